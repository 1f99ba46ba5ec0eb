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

bool StagingFramer::Refill::poll() noexcept {
  if (rte_lcore_id() >= RTE_MAX_LCORE) {
    set_outcome(Outcome::kRefused);
    return true;
  }
  if (!AcquireBulk::poll()) return false;
  framer_.move_to(buffer_);
  buffer_ = nullptr;
  return true;
}

/// What it was granted is the framer's, and stays there.
void StagingFramer::Refill::withdraw() noexcept {
  if (!granted()) AcquireBulk::withdraw();
}

bool StagingFramer::Write::poll() noexcept {
  if (framer_.wants_buffer() || rte_lcore_id() >= RTE_MAX_LCORE) return Refill::poll();
  withdraw();  // while it stood in line another one has brought a buffer in
  return true;
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
