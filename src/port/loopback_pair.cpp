#include <bab/port/loopback_pair.hpp>

namespace bab {

LoopbackPair::LoopbackPair(std::uint16_t queues, std::uint32_t frames) {
  std::array<std::vector<rte_ring*>, 2> to;
  for (std::size_t end = 0; end < 2; ++end)
    for (std::uint16_t q = 0; q < queues; ++q)
      to[end].push_back(to_[end].emplace_back(frames).raw());
  for (std::size_t end = 0; end < 2; ++end)
    ports_[end] = std::make_unique<detail::RingPort>(to[end], to[1 - end]);
}

std::uint64_t LoopbackPair::queued(std::size_t end) const noexcept {
  std::uint64_t n = 0;
  for (const auto& ring : to_.at(end)) n += ring.size();
  return n;
}

}  // namespace bab
