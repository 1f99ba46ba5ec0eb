#include "split_frames.hpp"

#include <utility>

#include <fmt/format.h>

#include <bab/port/split_frames.hpp>

#include "wiring.hpp"

namespace testbab {

std::uint64_t gathered_on(const Job& job, std::size_t port) {
  std::uint64_t sum = 0;
  for (const auto& stage : job.stages())
    for (const auto& p : stage)
      if (p->rx_port() == port) sum += p->live_gathered.frames();
  return sum;
}

void SplitFrames::begin() {
  seen_.clear();
  said_.clear();
}

std::vector<std::string> SplitFrames::look(const Job& job, const Wiring& wiring) {
  std::vector<std::string> fresh;
  for (std::size_t i = 0; i < wiring.ports(); ++i) {
    if (seen_.contains(i) || gathered_on(job, i) == 0) continue;
    seen_.insert(i);
    if (wiring.told_of_splits(i)) continue;
    const bab::Port& port = wiring.port(i);
    said_.push_back(bab::split_frames_text(port));
    if (bab::larger_buffers_help(port))
      said_.back() += fmt::format(": --mbuf-size={}", bab::whole_frame_room(port.mtu()));
    if (std::exchange(told_[i], port.mtu()) != port.mtu()) fresh.push_back(said_.back());
  }
  return fresh;
}

}  // namespace testbab
