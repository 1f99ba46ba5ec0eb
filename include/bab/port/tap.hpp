#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

namespace bab {

enum class TapDirection : std::uint8_t { kRx, kTx };

/// Where a queue's bursts can be looked at while they pass: a Capture is put on it and taken off
/// while the queue's lcore goes on. Off, it costs that lcore one load and a branch a burst.
class alignas(RTE_CACHE_LINE_SIZE) Tap {
 public:
  /// Frames that are looked at in one go; a tapped queue sends no more than that in a burst.
  static constexpr unsigned kMost = 64;
  using Copies = std::array<rte_mbuf*, kMost>;

  /// Who looks. All calls on the queue's lcore; must not wait, allocate or keep a frame.
  class Sink {
   public:
    virtual ~Sink() = default;
    /// Copies those of `frames` (at most kMost) that are wanted; null where one isn't, or can't be
    /// had.
    virtual void copy(std::span<rte_mbuf* const> frames, Copies& copies) noexcept = 0;
    /// The first `passed` of the copied frames went their way; copies of the others are dropped.
    virtual void pass(std::span<rte_mbuf* const> copies, unsigned passed) noexcept = 0;
  };

  [[nodiscard]] bool on() const noexcept {
    return sink_.load(std::memory_order_relaxed) != nullptr;
  }

  /// On the queue's lcore: the sink until leave(), or null when it was taken off meanwhile.
  /// Sequentially consistent, as in take_off(): of the lcore that enters (marks, then looks for the
  /// sink) and the thread that takes the sink off (removes it, then looks for the mark) at least
  /// one sees the other.
  [[nodiscard]] Sink* enter() noexcept {
    inside_.store(true, std::memory_order_seq_cst);
    Sink* sink = sink_.load(std::memory_order_seq_cst);
    if (sink == nullptr) leave();
    return sink;
  }
  /// Release pairs with take_off(): what was done with the sink is done.
  void leave() noexcept { inside_.store(false, std::memory_order_release); }

  /// On the queue's lcore: how many frames to copy before they are sent. Few while the port takes
  /// few, since copies of those that it doesn't take are made in vain.
  [[nodiscard]] unsigned offer() const noexcept { return offer_; }
  void offered(unsigned frames, unsigned taken) noexcept {
    constexpr unsigned kFewest = 4;
    offer_ = taken == frames ? std::min(offer_ * 2, kMost) : std::max(taken, kFewest);
  }

  /// Any thread. False: another sink is on it.
  [[nodiscard]] bool put_on(Sink* sink) noexcept {
    Sink* none = nullptr;
    return sink_.compare_exchange_strong(none, sink, std::memory_order_seq_cst);
  }
  /// Any thread but the queue's lcore: afterwards nobody uses the sink any more.
  void take_off() noexcept {
    sink_.store(nullptr, std::memory_order_seq_cst);
    while (inside_.load(std::memory_order_seq_cst)) rte_pause();
  }

 private:
  std::atomic<Sink*> sink_{nullptr};
  std::atomic<bool> inside_{false};
  unsigned offer_ = kMost;
};

}  // namespace bab
