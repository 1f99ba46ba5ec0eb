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

/// A granted buffer belongs to the framer, and stays there.
void StagingFramer::Refill::withdraw() noexcept {
  if (!granted()) AcquireBulk::withdraw();
}

bool StagingFramer::Write::poll() noexcept {
  if (framer_.wants_buffer() || rte_lcore_id() >= RTE_MAX_LCORE) return Refill::poll();
  withdraw();  // another wait brought a buffer in while this one stood in line
  return true;
}

void StagingFramer::move_to(rte_mbuf* m) noexcept {
  // No headers come in front, so that the headroom holds data, too.
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
