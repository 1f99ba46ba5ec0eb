#include <bab/port/loopback.hpp>

namespace bab {

Loopback::Loopback(std::uint16_t queues, std::uint32_t frames) {
  std::vector<rte_ring*> raw;
  for (std::uint16_t q = 0; q < queues; ++q) raw.push_back(rings_.emplace_back(frames).raw());
  port_ = std::make_unique<detail::RingPort>(raw, raw);
}

std::uint64_t Loopback::queued() const noexcept {
  std::uint64_t n = 0;
  for (const auto& ring : rings_) n += ring.size();
  return n;
}

}  // namespace bab
