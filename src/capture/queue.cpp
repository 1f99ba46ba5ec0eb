// rte_pcapng's functions are not in the stable ABI yet.
#define ALLOW_EXPERIMENTAL_API
#include "queue.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <bab/base/error.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/wire/locate_udp.hpp>

#include "../detail/dpdk/pcapng.hpp"
#include "block.hpp"

namespace bab::detail {
namespace {

/// Whether the frame is an IPv4 UDP datagram from or to `port`. Fragments behind the first one have
/// no ports. Headers that a driver split over segments are not looked for.
bool is_of_udp_port(const rte_mbuf* m, std::uint16_t port) noexcept {
  using namespace wire;
  Ipv4Place ip;
  const std::uint8_t* udp;
  if (locate_ipv4({rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len}, ip) != Drop::kNone ||
      locate_udp(ip, UdpIn::kFirstFragments, udp) != Drop::kNone)
    return false;
  return load_be<std::uint16_t>(udp + UdpOffset::kSource) == port ||
         load_be<std::uint16_t>(udp + UdpOffset::kDestination) == port;
}

constexpr std::uint64_t first_bits(std::size_t n) noexcept {
  return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

constexpr unsigned count(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(std::popcount(bits));
}

rte_mempool* make_pool(std::uint32_t buffers, std::uint32_t frame_bytes) {
  static std::atomic<unsigned> next{0};
  rte_mempool* pool;
  do {  // another copy of this library in the process has a counter of its own
    // Several threads may give back, one takes: a copy that fails is given back on the lcore.
    pool = rte_pktmbuf_pool_create_by_ops(
        fmt::format("bab_capture_{}", next.fetch_add(1)).c_str(), buffers, 0, 0,
        static_cast<std::uint16_t>(std::min<std::uint32_t>(
            RTE_PKTMBUF_HEADROOM + rte_pcapng_mbuf_size(frame_bytes), UINT16_MAX)),
        SOCKET_ID_ANY, "ring_mp_sc");
  } while (pool == nullptr && rte_errno == EEXIST);
  if (pool == nullptr)
    throw Error::from_code(fmt::format("making {} buffers for a capture", buffers), rte_errno,
                           "there is no memory for its copies; give EAL more with -m");
  return pool;
}

/// Marks the copy of a frame that was not sent: a real block is never empty.
void cancel(rte_mbuf* copy) noexcept {
  copy->pkt_len = 0;
  copy->data_len = 0;
}

bool is_cancelled(const rte_mbuf* copy) noexcept { return copy->pkt_len == 0; }

/// The time that a queue may save up, and the most that a copy is charged: an lcore that was
/// interrupted while it copied must not pay for that. (A cold jumbo frame takes about a
/// microsecond.)
constexpr std::uint64_t kSavedPerSecond = 200;        // 5 ms
constexpr std::uint64_t kPerCopyPerSecond = 500'000;  // 2 us
/// The part of idle time that a capture may use. At full speed, lcores wait for each other: a
/// capture that uses all of that time costs the bus up to 9 % of its rate, a quarter of it 2 to 6 %
/// (tests/perf/LOG.md).
constexpr double kIdlePart = 0.25;
/// The most idle time to count between two bursts: with more than that, another process may have
/// had the CPU meanwhile.
constexpr std::uint64_t kIdlePerSecond = 1'000;  // 1 ms

}  // namespace

CaptureQueue::CaptureQueue(Tap& tap, const Source& place, const CaptureOptions& options,
                           const Room& room)
    : tap_(tap),
      source_(place),
      udp_port_(options.udp_port),
      one_in_(options.one_in),
      frame_bytes_(room.frame_bytes),
      pool_(make_pool(room.buffers, room.frame_bytes)),
      ring_(room.buffers),
      share_(options.lcore_share),
      shared_write_share_(options.lcore_share / room.queues),
      per_copy_(rte_get_tsc_hz() / kPerCopyPerSecond),
      most_idle_(rte_get_tsc_hz() / kIdlePerSecond),
      budget_(static_cast<double>(rte_get_tsc_hz()) / kSavedPerSecond),
      earned_(rte_get_tsc_cycles()) {}

CaptureQueue::~CaptureQueue() {
  std::array<rte_mbuf*, Tap::kMax> rest;
  while (const unsigned n = ring_.pop(rest)) give_back({rest.data(), n});
}

CaptureQueue::Frames CaptureQueue::match(std::span<rte_mbuf* const> frames) const noexcept {
  if (udp_port_ == 0) return first_bits(frames.size());
  Frames found = 0;
  for (std::size_t i = 0; i < frames.size(); ++i)
    found |= Frames{is_of_udp_port(frames[i], udp_port_)} << i;
  return found;
}

CaptureQueue::Frames CaptureQueue::choose(Frames matching) const noexcept {
  if (one_in_ == 1) return matching;
  Frames found = 0;
  std::uint32_t skipped = skipped_;
  for (Frames left = matching; left != 0; left &= left - 1)
    if (++skipped == one_in_) {
      skipped = 0;
      found |= left & -left;
    }
  return found;
}

/// The queue earns its share of all time, and its part of the lcore's idle time if the lcore counts
/// that. Copies and writing reduce the idle time, so that they get a fifth of it in the end.
void CaptureQueue::earn(std::uint64_t now) noexcept {
  const Lcore* lcore = Lcore::current();
  const std::uint64_t idle = lcore != nullptr ? std::uint64_t{lcore->counters().idle_cycles} : 0;
  // Idle time from before this capture doesn't count.
  const bool known = this->lcore() != LCORE_ID_ANY;
  const std::uint64_t idled = known && idle > idle_then_ ? idle - idle_then_ : 0;
  const double share =
      write_cost_.load(std::memory_order_relaxed) > 0 ? shared_write_share_ : share_;
  budget_.earn(static_cast<double>(now - earned_) * share +
               kIdlePart * static_cast<double>(std::min(idled, most_idle_)) /
                   sharers_.load(std::memory_order_relaxed));
  earned_ = now;
  idle_then_ = idle;
  idle_ += idled;
  lcore_.store(rte_lcore_id(), std::memory_order_relaxed);
}

/// How many frames can be copied now.
unsigned CaptureQueue::room(std::uint64_t now) noexcept {
  if (share_ < 1) {
    earn(now);
    if (budget_.is_spent()) return 0;
  }
  return rte_mempool_avail_count(pool_.get());
}

void CaptureQueue::spend(std::uint64_t cycles, unsigned copies) noexcept {
  budget_.spend(static_cast<double>(std::min(cycles, per_copy_ * copies) +
                                    copies * write_cost_.load(std::memory_order_relaxed)));
}

void CaptureQueue::copy(std::span<rte_mbuf* const> frames, Tap::Copies& copies) noexcept {
  matching_ = match(frames);
  chosen_ = choose(matching_);
  copied_ = 0;
  if (chosen_ == 0 || broken_.load(std::memory_order_relaxed)) return;
  const std::uint64_t now = rte_get_tsc_cycles();
  unsigned room = this->room(now);
  if (room == 0) return;
  for (Frames left = chosen_; left != 0 && room > 0; left &= left - 1, --room) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    copies[i] = pcapng_copy(source_.port, source_.queue, frames[i], pool_.get(), frame_bytes_, now,
                            source_.direction == TapDirection::kRx ? RTE_PCAPNG_DIRECTION_IN
                                                                   : RTE_PCAPNG_DIRECTION_OUT);
    if (copies[i] == nullptr) continue;
    tsan_acquire(copies[i]);
    // Not DPDK's own time: that of 22.11 uses state that all lcores share without a lock, and is
    // wrong by centuries if one lcore is a little behind another. The writing thread converts this
    // TSC time when it has read the clock.
    rte_pktmbuf_mtod(copies[i], PcapngPacket*)->time.set(now);
    copied_ |= left & -left;
  }
  spend(rte_get_tsc_cycles() - now, count(copied_));
}

void CaptureQueue::pass(std::span<rte_mbuf* const> copies, unsigned passed) noexcept {
  const Frames went = first_bits(passed);
  std::array<rte_mbuf*, Tap::kMax> good;
  unsigned n = 0;
  for (Frames left = copied_; left != 0; left &= left - 1) {
    rte_mbuf* copy = copies[static_cast<std::size_t>(std::countr_zero(left))];
    if ((left & -left & went) == 0) cancel(copy);
    good[n++] = copy;
  }
  (void)ring_.push(std::span(good.data(), n));  // the ring holds the whole pool
  const Frames chosen = chosen_ & went;
  if (one_in_ > 1) {  // frames that were not sent are offered again
    const Frames after =
        chosen == 0 ? went : went & ~first_bits(static_cast<std::size_t>(std::bit_width(chosen)));
    skipped_ = (chosen == 0 ? skipped_ : 0) + count(matching_ & after);
  }
  const unsigned lost = count(chosen & ~copied_);
  wanted_ += count(chosen);
  (broken_.load(std::memory_order_relaxed) ? uncopied_ : missed_) += lost;
}

void CaptureQueue::give_back(std::span<rte_mbuf*> copies) noexcept {
  for (rte_mbuf* m : copies) tsan_release(m);
  rte_pktmbuf_free_bulk(copies.data(), static_cast<unsigned>(copies.size()));
}

unsigned CaptureQueue::pop(std::span<rte_mbuf*> out, const TscWallClock& clock,
                           bool& any) noexcept {
  const unsigned n = ring_.pop(out);
  any = n > 0;
  unsigned good = 0;
  for (unsigned i = 0; i < n; ++i) {
    if (is_cancelled(out[i])) {
      give_back({&out[i], 1});
      continue;
    }
    PcapngTime& time = rte_pktmbuf_mtod(out[i], PcapngPacket*)->time;
    time.set(time_.next(clock.ns(time.get())));
    out[good++] = out[i];
  }
  return good;
}

}  // namespace bab::detail
