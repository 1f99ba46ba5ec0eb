#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include <rte_lcore.h>
#include <rte_mempool.h>

#include <bab/base/counter.hpp>
#include <bab/base/spsc_ring.hpp>
#include <bab/capture/capture.hpp>
#include <bab/port/tap.hpp>

#include "pace.hpp"
#include "tsc_wall_clock.hpp"

namespace bab::detail {

/// Takes copies from one queue's lcore to the writing thread. The lcore never waits for this
/// thread. Each queue has a pool of its own: only the lcore takes from it, and only the thread
/// gives back to it, except that the lcore gives back a copy that fails. The ring between them
/// holds the whole pool.
class CaptureQueue final : public Tap::Sink {
 public:
  struct Source {
    std::uint16_t port, queue;
    TapDirection direction;
  };
  struct Room {
    std::uint32_t buffers;      ///< for copies
    std::uint32_t frame_bytes;  ///< of the largest frame
    std::uint32_t queues;       ///< of the capture, including this one
  };
  /// Throws Error: no memory.
  CaptureQueue(Tap& tap, const Source& place, const CaptureOptions& options, const Room& room);
  CaptureQueue(const CaptureQueue&) = delete;
  CaptureQueue& operator=(const CaptureQueue&) = delete;
  /// Frees copies that were not written.
  ~CaptureQueue() override;

  [[nodiscard]] Tap& tap() noexcept { return tap_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return source_.port; }

  // On the queue's lcore.
  void copy(std::span<rte_mbuf* const> frames, Tap::Copies& copies) noexcept override;
  void pass(std::span<rte_mbuf* const> copies, unsigned passed) noexcept override;

  // On the writing thread.

  /// The next copies, as blocks to write; the caller gives them back. `any`: set to whether there
  /// were copies, even if only of frames that were not sent.
  unsigned pop(std::span<rte_mbuf*> out, const TscWallClock& clock, bool& any) noexcept;
  static void give_back(std::span<rte_mbuf*> copies) noexcept;
  /// The file can no longer be written: the lcore makes no more copies.
  void give_up() noexcept { broken_.store(true, std::memory_order_relaxed); }
  void failed(std::uint64_t frames) noexcept { unwritten_ += frames; }
  /// The cost of writing a frame on an lcore's CPU, in TSC cycles; queues are charged for it. 0:
  /// the thread uses no lcore's CPU.
  void set_write_cost(std::uint64_t cycles) noexcept {
    write_cost_.store(cycles, std::memory_order_relaxed);
  }
  /// The number of queues with frames that this queue's lcore has, including this one; they get
  /// equal parts of its idle time. At least 1.
  void set_sharers(std::uint32_t queues) noexcept {
    sharers_.store(queues, std::memory_order_relaxed);
  }
  /// The part of the buffers that hold copies to be written: 0 … 1. A snapshot.
  [[nodiscard]] double fill() const noexcept {
    return static_cast<double>(ring_.size()) / static_cast<double>(pool_->size);
  }

  // Any thread; snapshots.
  /// The lcore that frames last passed on; LCORE_ID_ANY: none yet.
  [[nodiscard]] unsigned lcore() const noexcept { return lcore_.load(std::memory_order_relaxed); }
  /// TSC cycles that it had nothing to do for, as far as it says.
  [[nodiscard]] std::uint64_t idle() const noexcept { return idle_; }
  [[nodiscard]] std::uint64_t wanted() const noexcept { return wanted_; }
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }
  [[nodiscard]] std::uint64_t failed() const noexcept { return uncopied_ + unwritten_; }

 private:
  using Frames = std::uint64_t;  // frames of a burst, one bit each
  static_assert(Tap::kMax == 64);

  [[nodiscard]] Frames match(std::span<rte_mbuf* const> frames) const noexcept;
  [[nodiscard]] Frames choose(Frames matching) const noexcept;
  void earn(std::uint64_t now) noexcept;
  [[nodiscard]] unsigned room(std::uint64_t now) noexcept;
  void spend(std::uint64_t cycles, unsigned copies) noexcept;

  struct PoolDeleter {
    void operator()(rte_mempool* p) const noexcept { rte_mempool_free(p); }
  };

  Tap& tap_;
  const Source source_;
  const std::uint16_t udp_port_;
  const std::uint32_t one_in_;
  const std::uint32_t frame_bytes_;
  const std::unique_ptr<rte_mempool, PoolDeleter> pool_;
  SpscRing<rte_mbuf> ring_;

  // For the lcore. Of the burst that passes:
  Frames matching_ = 0;  // frames that match the filter
  Frames chosen_ = 0;    // of these, the wanted ones
  Frames copied_ = 0;
  std::uint32_t skipped_ = 0;  // matching frames since the last wanted one
  // Time for copies and for writing them, in TSC cycles:
  const double share_;
  const double shared_write_share_;  // when writing for all queues uses one lcore's CPU
  const std::uint64_t per_copy_;
  const std::uint64_t most_idle_;
  CaptureBudget budget_;
  std::uint64_t earned_;
  std::uint64_t idle_then_ = 0;  // the lcore's idle time at earned_
  Counter idle_;
  std::atomic<unsigned> lcore_{LCORE_ID_ANY};
  Counter wanted_, missed_, uncopied_;

  // For the writing thread.
  Counter unwritten_;
  RisingTime time_;
  std::atomic<bool> broken_{false};
  std::atomic<std::uint64_t> write_cost_{0};
  std::atomic<std::uint32_t> sharers_{1};
};

}  // namespace bab::detail
