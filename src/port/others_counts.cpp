// What a Port's driver counts for others.
#include <algorithm>
#include <array>

#include <rte_ethdev.h>

#include <bab/port/port.hpp>

namespace bab {

/// What the driver counted before this start, `stopped` being its figures then, isn't ours: some
/// don't reset what an earlier process missed. Where its counters begin at 0 with a start, what was
/// cleared before is no longer in them.
void Port::exclude_others(const rte_eth_stats& stopped) noexcept {
  rte_eth_stats now{};
  if (!at_stop_ || !counts_.read(now)) return;
  const auto exclude = [&](auto fields, const rte_eth_stats& until) {
    for (const auto field : fields) {
      if (now.*field < stopped.*field || now.*field < cleared_.*field)
        cleared_.*field = 0;
      else
        cleared_.*field += until.*field - std::min(until.*field, *at_stop_.*field);
    }
  };
  exclude(std::array{&rte_eth_stats::ipackets, &rte_eth_stats::ibytes, &rte_eth_stats::opackets,
                     &rte_eth_stats::obytes},
          stopped);
  // No descriptor was there yet: nobody could have done better.
  exclude(std::array{&rte_eth_stats::imissed, &rte_eth_stats::rx_nombuf, &rte_eth_stats::ierrors,
                     &rte_eth_stats::oerrors},
          now);
  if (now.ipackets < stopped.ipackets)
    rx_base_ = {0, 0, frames_taken()};
  else  // what was in the queues has gone with the stop
    rx_base_.lost += untaken(stopped.ipackets);
}

std::uint64_t Port::frames_taken() const noexcept {
  std::uint64_t frames = 0;
  for (const RxQueue& q : rx_) frames += q.counters().frames;
  return frames;
}

/// Of the frames that the driver had counted when its figure was `ipackets`, those that nobody
/// took.
std::uint64_t Port::untaken(std::uint64_t ipackets) const noexcept {
  const std::uint64_t counted =
      ipackets >= cleared_.ipackets ? ipackets - cleared_.ipackets : ipackets;
  const std::uint64_t in = counted + rx_base_.waited;
  const std::uint64_t out = rx_base_.lost + (frames_taken() - rx_base_.taken);
  return in > out ? in - out : 0;
}

void Port::clear_losses() noexcept {
  rte_eth_stats now{};
  if (!counts_.read(now)) return;
  cleared_.imissed = now.imissed;
  cleared_.rx_nombuf = now.rx_nombuf;
  cleared_.ierrors = now.ierrors;
}

}  // namespace bab
