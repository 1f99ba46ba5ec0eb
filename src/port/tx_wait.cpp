// A Port's account of frames that its driver took and its NIC has not sent, and how the Port waits
// for them.
#include <algorithm>
#include <optional>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <bab/port/port.hpp>

#include "device_info.hpp"
#include "virtio_ring.hpp"

namespace bab {
namespace {

std::uint64_t less(std::uint64_t from, std::uint64_t n) { return from - std::min(from, n); }

}  // namespace

std::uint64_t Port::given() const noexcept {
  std::uint64_t sum = 0;
  for (const TxQueue& q : tx_) sum += q.counters().frames;
  return sum;
}

/// TX descriptors that the NIC has not done yet. Some drivers include descriptors whose completion
/// nobody asked for.
std::optional<std::uint64_t> Port::tx_descriptors_not_done() const noexcept {
  std::uint64_t n = 0;
  for (std::uint16_t q = 0; q < tx_queues(); ++q)
    for (std::uint16_t d = 0; d < tx_descriptors(); ++d) {
      const int status = rte_eth_tx_descriptor_status(options_.id, q, d);
      if (status < 0) return {};
      if (status == RTE_ETH_TX_DESC_FULL) ++n;
    }
  return n;
}

std::optional<std::uint64_t> Port::in_virtio_rings() const noexcept {
  rte_eth_dev_info info{};
  if (!started_ || rte_eth_dev_info_get(options_.id, &info) != 0) return {};
  std::uint64_t n = 0;
  for (std::uint16_t q = 0; q < tx_queues(); ++q) {
    const auto waiting = detail::in_virtio_ring(options_.id, q, info);
    if (!waiting) return {};
    n += *waiting;
  }
  return n;
}

void Port::begin_tx_account(std::uint64_t carried) noexcept {
  rte_eth_stats now{};
  (void)counts_.read(now);
  tx_base_ = {carried, given(), now.opackets, now.oerrors};
}

/// A driver counts either what its NIC has sent or what it was given. In the second case only the
/// driver's ring tells, if it can be read. Frames that a NIC has not counted wait in it, as many as
/// descriptors say; if descriptors can't be read, all of them.
TxAccount Port::tx_account() const noexcept {
  TxAccount a;
  a.given = tx_base_.carried + less(given(), tx_base_.given);
  rte_eth_stats now{};
  (void)counts_.read(now);
  const bool asked = started_ && tx_completion_ != TxCompletion::kAtOnce;
  const auto waiting = asked ? in_virtio_rings() : std::nullopt;
  const bool counts = !waiting && (now.opackets > 0 || now.oerrors > 0);
  if (counts) {
    a.sent = less(now.opackets, tx_base_.sent);
    a.failed = std::min(less(now.oerrors, tx_base_.errors), less(a.given, a.sent));
  }
  const std::uint64_t missing = less(a.given, a.sent + a.failed);
  if (waiting)
    a.unsent = std::min(*waiting, missing);
  else if (const auto not_done = asked ? tx_descriptors_not_done() : std::nullopt)
    a.unsent = std::min(*not_done, missing);
  else if (asked && counts)
    a.unsent = missing;
  if (!counts) a.sent = less(a.given, a.unsent);
  return a;
}

std::uint64_t Port::await_sent() noexcept {
  constexpr unsigned kEachUs = 1000;
  constexpr int kLongest = 1000;  // looks, one per millisecond
  // Looks without progress. What descriptors alone say may never come true: some drivers ask the
  // NIC only about every 32nd descriptor.
  constexpr int kPatience = 100, kDescriptorsPatience = 20;
  if (!started_ || tx_completion_ == TxCompletion::kAtOnce || given() == 0) return 0;
  // A frame whose descriptor is done may still be on its way through the NIC, which counts it when
  // it leaves.
  const auto not_counted = [this] {
    const TxAccount a = tx_account();
    return less(a.given, a.sent + a.failed);
  };
  std::uint64_t missing = not_counted();
  std::uint64_t not_done = tx_descriptors_not_done().value_or(0);
  for (int i = 0, still = 0; i < kLongest; ++i) {
    if (missing + not_done == 0 || still >= (missing > 0 ? kPatience : kDescriptorsPatience)) break;
    rte_delay_us_sleep(kEachUs);
    reclaim();
    const std::uint64_t before = missing + not_done;
    missing = not_counted();
    not_done = tx_descriptors_not_done().value_or(0);
    still = missing + not_done < before ? 0 : still + 1;
  }
  return tx_account().unsent;
}

}  // namespace bab
