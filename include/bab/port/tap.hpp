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

/// Shows a queue's bursts to a sink while they pass: a Capture is put on it, and taken off, while
/// the queue's lcore goes on. When off, it costs that lcore one load and a branch per burst.
class alignas(RTE_CACHE_LINE_SIZE) Tap {
 public:
  /// Frames that the sink is shown at once; a tapped queue sends no more than that in a burst.
  static constexpr unsigned kMax = 64;
  using Copies = std::array<rte_mbuf*, kMax>;

  /// The sink. All calls on the queue's lcore; they must not wait, allocate or keep a frame.
  class Sink {
   public:
    virtual ~Sink() = default;
    /// Copies those of `frames` (at most kMax) that it wants. An entry of `copies` is null if the
    /// frame isn't wanted or can't be copied.
    virtual void copy(std::span<rte_mbuf* const> frames, Copies& copies) noexcept = 0;
    /// The first `passed` of the frames were received or sent; copies of the others must be
    /// dropped.
    virtual void pass(std::span<rte_mbuf* const> copies, unsigned passed) noexcept = 0;
  };

  [[nodiscard]] bool on() const noexcept {
    return sink_.load(std::memory_order_relaxed) != nullptr;
  }

  /// On the queue's lcore: the sink, which stays until leave(); null: it was taken off meanwhile.
  /// enter() marks `inside_`, then loads the sink; take_off() removes the sink, then loads
  /// `inside_`. All four accesses are sequentially consistent: at least one side sees the other.
  [[nodiscard]] Sink* enter() noexcept {
    // R42: pairs with A42 in take_off(). A43: pairs with R43 in put_on() and take_off().
    inside_.store(true, std::memory_order_seq_cst);
    Sink* sink = sink_.load(std::memory_order_seq_cst);
    if (sink == nullptr) leave();
    return sink;
  }
  /// On the queue's lcore, which uses the sink no longer. R42: pairs with A42.
  void leave() noexcept { inside_.store(false, std::memory_order_release); }

  /// On the queue's lcore: how many frames to copy before they are sent. Few while the port takes
  /// few, since copies of frames that it doesn't take are in vain.
  [[nodiscard]] unsigned offer() const noexcept { return offer_; }
  void offered(unsigned frames, unsigned taken) noexcept {
    constexpr unsigned kFewest = 4;
    offer_ = taken == frames ? std::min(offer_ * 2, kMax) : std::max(taken, kFewest);
  }

  /// Any thread. False: another sink is on it.
  [[nodiscard]] bool put_on(Sink* sink) noexcept {
    Sink* none = nullptr;
    // R43: pairs with A43: the sink's state is seen.
    return sink_.compare_exchange_strong(none, sink, std::memory_order_seq_cst);
  }
  /// Any thread but the queue's lcore. Afterwards the lcore no longer uses the sink.
  void take_off() noexcept {
    // R43: pairs with A43. A42: pairs with R42.
    sink_.store(nullptr, std::memory_order_seq_cst);
    while (inside_.load(std::memory_order_seq_cst)) rte_pause();
  }

 private:
  std::atomic<Sink*> sink_{nullptr};
  std::atomic<bool> inside_{false};
  unsigned offer_ = kMax;
};

}  // namespace bab
