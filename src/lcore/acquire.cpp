#include <bab/lcore/acquire.hpp>

namespace bab {

bool AcquireBulk::poll() noexcept {
  if (out_.size() > pool_.size()) {
    set_outcome(Outcome::kClosed);
    return true;
  }
  // If nobody waits, no ticket is needed.
  if (!ticket_ && !waiting() && pool_.try_acquire(out_)) return true;
  if (!ticket_ && !(ticket_ = pool_.line_up())) return false;
  if (!pool_.is_served(*ticket_)) return false;
  while (got_ < out_.size()) {
    rte_mbuf* m = pool_.take();
    if (m == nullptr) return false;
    out_[got_++] = m;
  }
  got_ = 0;  // they are the caller's
  pool_.leave_line(*ticket_);
  ticket_.reset();
  return true;
}

void AcquireBulk::withdraw() noexcept {
  if (granted()) got_ = out_.size();
  BufferPool::release(out_.first(got_));
  for (; got_ > 0; --got_) out_[got_ - 1] = nullptr;
  if (ticket_) pool_.leave_line(*ticket_);
  ticket_.reset();
}

}  // namespace bab
