#include "starvation_watch.hpp"

#include <utility>

#include <fmt/format.h>

namespace testbab {

bool StarvationWatch::due(Clock::time_point now) {
  if (last_ == Clock::time_point{}) last_ = now;
  if (now - last_ < kPeriod) return false;
  last_ = now;
  return true;
}

std::vector<std::string> StarvationWatch::look(const std::vector<RxSample>& samples) {
  std::vector<std::string> fresh;
  for (const RxSample& s : samples) {
    Seen& seen = ports_[s.port];
    const bool idle = std::exchange(seen.taken, s.taken) == s.taken;
    const std::uint64_t missed = s.missed - std::exchange(seen.missed, s.missed);
    const std::uint64_t nombuf = s.nombuf - std::exchange(seen.nombuf, s.nombuf);
    if (!idle) continue;
    if (nombuf > 0 && !std::exchange(seen.said_nombuf, true))
      fresh.push_back(fmt::format(
          "port {} has received nothing for a second, and its driver found no buffer for {} frames "
          "(rx_nombuf): pool {} has {} of {} buffers free; raise --total-num-mbufs, or lower --rxd",
          s.port, nombuf, s.pool, s.free, s.buffers));
    if (missed > 0 && !std::exchange(seen.said_missed, true))
      fresh.push_back(fmt::format(
          "port {} has received nothing for a second, and its NIC missed {} frames for lack of "
          "descriptors (rx_missed): pool {} has {} of {} buffers free; raise --total-num-mbufs if "
          "there are none, else see why no lcore takes its frames (show bus lcores)",
          s.port, missed, s.pool, s.free, s.buffers));
  }
  said_.insert(said_.end(), fresh.begin(), fresh.end());
  return fresh;
}

}  // namespace testbab
