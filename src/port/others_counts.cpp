// Frames that a Port's driver counted but that are not the Port's.
#include <algorithm>
#include <array>

#include <rte_ethdev.h>

#include <bab/port/port.hpp>

namespace bab {

/// Excludes frames that the driver counted before this start; `stopped` holds its figures from
/// then. Some drivers don't reset what an earlier process missed. If the driver's counters begin at
/// 0 with a start, they no longer include what was cleared before.
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
  // There was no descriptor yet: nobody could have received these.
  exclude(std::array{&rte_eth_stats::imissed, &rte_eth_stats::rx_nombuf, &rte_eth_stats::ierrors,
                     &rte_eth_stats::oerrors},
          now);
  if (now.ipackets < stopped.ipackets)
    rx_base_ = {0, 0, frames_taken()};
  else  // frames in the queues were lost at the stop
    rx_base_.lost += untaken(stopped.ipackets);
}

std::uint64_t Port::frames_taken() const noexcept {
  std::uint64_t frames = 0;
  for (const RxQueue& q : rx_) frames += q.counters().frames;
  return frames;
}

/// Frames that nobody took, of those that the driver had counted when its figure was `ipackets`.
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
