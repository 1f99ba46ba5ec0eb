#include "sending.hpp"

#include <algorithm>

namespace bab {
namespace detail {

void Sending::finish(BusPhase phase) noexcept {
  const bool all_came =
      std::all_of(ends_.begin(), ends_.end(), [](const auto& end) { return end->finished(); });
  if (phase >= BusPhase::kDrop) flusher_.drop_pending();
  // R64: pairs with A64: the flusher's counters are seen.
  finished_.store(phase >= BusPhase::kDrop || (all_came && flusher_.idle()),
                  std::memory_order_release);
}

bool Sending::end() noexcept {
  bool all = shared_ == nullptr || shared_->unfinished() == 0;
  for (const auto& end : ends_) written_ += end->frames();
  for (auto& end : ends_)
    if (!all || end->is_held()) {
      all = false;
      (void)end.release();
    }
  ends_.clear();
  if (!all) (void)shared_.release();
  flusher_.drop_pending();
  return all;
}

}  // namespace detail

template <class Writer>
PublicationStats BasicPublication<Writer>::stats() const noexcept {
  return sending_->stats();
}

template <class Writer>
wire::Session BasicPublication<Writer>::session() const noexcept {
  return sending_->header().session();
}

template class BasicPublication<LocalWriter>;
template class BasicPublication<SharedWriter::Producer>;

}  // namespace bab
