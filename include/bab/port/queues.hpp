#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <bab/base/counter.hpp>
#include <bab/base/drops.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/frame_sink.hpp>
#include <bab/port/tap.hpp>
#include <bab/port/tx_completion.hpp>

namespace bab {

/// Frames and bytes of one queue, counted by the library: some drivers (net_ring) keep no byte
/// counts. Any thread may read them.
struct QueueCounters {
  Counter frames;
  Counter bytes;  ///< Ethernet frames without CRC
};

/// `size` as the size of a burst, which DPDK counts in 16 bits: at most 65,535.
[[nodiscard]] constexpr std::uint16_t burst_of(std::size_t size) noexcept {
  return static_cast<std::uint16_t>(size < 0xffff ? size : 0xffff);
}

/// One receive queue of a started port. One lcore at a time.
class alignas(RTE_CACHE_LINE_SIZE) RxQueue {
 public:
  /// `pool`: the pool that the driver receives into; it is told when it may have no buffer left for
  /// the driver. Null: a pool that is not told.
  RxQueue(std::uint16_t port, std::uint16_t queue, BufferPool* pool = nullptr) noexcept
      : port_(port), queue_(queue), pool_(pool) {}

  /// One RX burst: fills the front of `out` and returns how many. The caller owns one share of
  /// each.
  [[nodiscard]] unsigned receive(std::span<rte_mbuf*> out) noexcept {
    const unsigned n = rte_eth_rx_burst(port_, queue_, out.data(), burst_of(out.size()));
    for (unsigned i = 0; i < n; ++i) prefetch_buffer<false>(out[i]);
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < n; ++i) {
      BufferPool::received(out[i]);
      bytes += out[i]->pkt_len;
      rte_prefetch0(rte_pktmbuf_mtod(out[i], void*));
    }
    counters_.bytes += bytes;
    counters_.frames += n;
    if (n < out.size() && pool_ != nullptr) pool_->note_short_burst(kTakenAtOnce);
    if (tap_->on()) [[unlikely]]
      show(out.first(n));
    return n;
  }

  [[nodiscard]] Tap& tap() noexcept { return *tap_; }

  [[nodiscard]] const QueueCounters& counters() const noexcept { return counters_; }
  void clear_counters() noexcept { counters_ = {}; }

 private:
  /// Vector code of drivers refills descriptors with 32 or 64 buffers at once, or not at all.
  static constexpr std::size_t kTakenAtOnce = 64;

  void show(std::span<rte_mbuf* const> frames) noexcept;

  std::uint16_t port_;
  std::uint16_t queue_;
  BufferPool* pool_;
  QueueCounters counters_;
  std::unique_ptr<Tap> tap_ = std::make_unique<Tap>();
};

/// One transmit queue of a started port: a FrameSink. One lcore at a time.
class alignas(RTE_CACHE_LINE_SIZE) TxQueue {
 public:
  /// `prepare`: the port has TX offloads, so that drivers must see frames (tx_prepare) before they
  /// are sent. `is_ring`: frames go into an rte_ring (net_ring). `mtu`: bytes of IP packet that the
  /// port sends; 0: not known. `descriptors`: frames that the device's queue holds; 0: not known.
  TxQueue(std::uint16_t port, std::uint16_t queue, bool prepare, bool is_ring = false,
          std::uint32_t mtu = 0, std::uint16_t descriptors = 0) noexcept
      : port_(port),
        queue_(queue),
        prepare_(prepare),
        is_ring_(is_ring),
        capacity_(is_ring ? std::uint16_t{0} : descriptors),
        mtu_(mtu) {}

  /// One TX burst: takes frames from the front, in order, and returns how many. The NIC owns these,
  /// and gives up their share. A frame that tx_prepare refuses is taken, too, and freed and
  /// counted. While the queue is held, it takes none.
  [[nodiscard]] unsigned send(std::span<rte_mbuf*> frames) noexcept {
    if (std::atomic_ref(held_).load(std::memory_order_relaxed)) [[unlikely]]
      return 0;
    if (tap_->on()) [[unlikely]]
      return send_tapped(frames);
    return send_now(frames);
  }

  /// Between bursts, for a loop that has nothing to send. On a ring port: fetches back the ring's
  /// cache line that the reader wrote last, before it is needed (ping_rtt_p50: a seventh). On a
  /// NIC: now and then asks the driver for sent frames, so that they return within 10 ms. Drivers
  /// that can't be asked are left alone: with some of them an empty burst is a system call.
  void keep_near() noexcept {
    const auto idle = std::atomic_ref(idle_).load(std::memory_order_relaxed);
    if (idle == Idle::kNothing) return;
    if (idle == Idle::kNear)
      burst_of_none();
    else if (++idle_turns_ % kReclaimEvery == 0)
      reclaim();
  }
  /// Asks the driver for sent frames, if it can be asked. On the queue's lcore.
  void reclaim() noexcept {
    const auto idle = std::atomic_ref(idle_).load(std::memory_order_relaxed);
    if (idle == Idle::kCleanup)
      (void)rte_eth_tx_done_cleanup(port_, queue_, 0);
    else if (idle == Idle::kEmptyBurst)
      burst_of_none();
  }

  /// Any thread. `held` true: send() takes no frame from now on, as if the queue were full; false:
  /// it takes frames again. For a port whose link is down: NICs take frames then and lose them.
  void hold(bool held) noexcept { std::atomic_ref(held_).store(held, std::memory_order_relaxed); }
  [[nodiscard]] bool held() noexcept {
    return std::atomic_ref(held_).load(std::memory_order_relaxed);
  }

  /// For Port, which tells its queues whether it is started: DPDK logs an error for a burst on a
  /// port that isn't.
  void port_is_started(bool started, TxCompletion how = TxCompletion::kReuse) noexcept {
    Idle idle = Idle::kNothing;
    if (started && is_ring_)
      idle = Idle::kNear;
    else if (started && how == TxCompletion::kCleanup)
      idle = Idle::kCleanup;
    else if (started && how == TxCompletion::kEmptyBurst)
      idle = Idle::kEmptyBurst;
    std::atomic_ref(idle_).store(idle, std::memory_order_relaxed);
  }

  /// Bytes of IP packet in the longest frame that the port sends; the largest value: not known.
  [[nodiscard]] std::uint32_t mtu() const noexcept { return mtu_ == 0 ? ~std::uint32_t{0} : mtu_; }

  /// Frames of one segment that the device's queue holds at most; 0: not known, or the device has
  /// no doorbells to save.
  [[nodiscard]] unsigned capacity() const noexcept { return capacity_; }

  [[nodiscard]] Tap& tap() noexcept { return *tap_; }

  [[nodiscard]] const QueueCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }
  /// Messages in frames that tx_prepare refused.
  [[nodiscard]] std::uint64_t refused_messages() const noexcept { return refused_messages_; }
  /// Bytes of these messages.
  [[nodiscard]] std::uint64_t refused_bytes() const noexcept { return refused_bytes_; }
  void clear_counters() noexcept {
    counters_ = {};
    drops_ = {};
    refused_messages_ = 0;
    refused_bytes_ = 0;
  }

 private:
  /// What keep_near() does.
  enum class Idle : std::uint8_t { kNothing, kNear, kCleanup, kEmptyBurst };
  /// Turns without work between two reclaims. By default an lcore sleeps at most 100 us between two
  /// turns.
  static constexpr unsigned kReclaimEvery = 32;

  void burst_of_none() noexcept {
    rte_mbuf* none = nullptr;
    (void)rte_eth_tx_burst(port_, queue_, &none, 0);
  }
  [[nodiscard]] unsigned send_now(std::span<rte_mbuf*> frames) noexcept {
    const std::uint16_t offered = burst_of(frames.size());
    std::uint16_t good = offered;
    if (prepare_) good = rte_eth_tx_prepare(port_, queue_, frames.data(), offered);
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < good; ++i) {
      bytes += frames[i]->pkt_len;
      detail::tsan_release(frames[i]);
    }
    const std::uint16_t sent = rte_eth_tx_burst(port_, queue_, frames.data(), good);
    for (unsigned i = sent; i < good; ++i) bytes -= frames[i]->pkt_len;
    counters_.frames += sent;
    counters_.bytes += bytes;
    if (sent == good && good < offered) [[unlikely]] {
      refuse(frames[good]);
      return sent + 1U;
    }
    return sent;
  }
  [[nodiscard]] unsigned send_tapped(std::span<rte_mbuf*> frames) noexcept;
  void refuse(rte_mbuf* m) noexcept;

  std::uint16_t port_;
  std::uint16_t queue_;
  bool prepare_;
  bool is_ring_;
  std::uint16_t capacity_;
  bool held_ = false;
  Idle idle_ = Idle::kNothing;
  unsigned idle_turns_ = 0;
  std::uint32_t mtu_;
  QueueCounters counters_;
  DropCounters drops_;
  Counter refused_messages_;
  Counter refused_bytes_;
  std::unique_ptr<Tap> tap_ = std::make_unique<Tap>();
};
static_assert(SendingSink<TxQueue> && NearSink<TxQueue> && LimitedSink<TxQueue> &&
              BoundedSink<TxQueue>);

}  // namespace bab
