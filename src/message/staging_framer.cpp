#include <bab/message/staging_framer.hpp>

#include <cstring>

namespace bab {

std::span<std::uint8_t> StagingFramer::try_write() noexcept {
  if (rte_lcore_id() >= RTE_MAX_LCORE) return {};
  if (wants_buffer()) {
    rte_mbuf* m = pool_.try_acquire();
    if (m == nullptr) return {};
    move_to(m);
  }
  return room();
}

void StagingFramer::move_to(rte_mbuf* m) noexcept {
  // No headers come in front: the headroom is room, too.
  auto* data = static_cast<std::uint8_t*>(m->buf_addr);
  const std::span<const std::uint8_t> rest = staged();
  if (!rest.empty()) std::memcpy(data, rest.data(), rest.size());
  end_ = static_cast<std::uint32_t>(rest.size());
  begin_ = 0;
  data_ = data;
  source_.reset();
  source_ = PacketSource(m, 1);
}

}  // namespace bab
