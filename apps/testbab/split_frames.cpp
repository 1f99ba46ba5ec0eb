#include "split_frames.hpp"

#include <bab/port/split_frames.hpp>

#include "wiring.hpp"

namespace testbab {

std::uint64_t gathered_on(const Job& job, std::size_t port) {
  std::uint64_t sum = 0;
  for (const auto& stage : job.stages)
    for (const auto& p : stage)
      if (p->rx_port() == port) sum += p->live_gathered.frames();
  return sum;
}

std::vector<std::string> SplitFrames::look(const Job& job, const Wiring& wiring) {
  std::vector<std::string> fresh;
  for (std::size_t i = 0; i < wiring.ports(); ++i) {
    if (told_.contains(i) || gathered_on(job, i) == 0) continue;
    told_.insert(i);
    if (!wiring.told_of_splits(i)) fresh.push_back(bab::split_frames_text(wiring.port(i)));
  }
  said_.insert(said_.end(), fresh.begin(), fresh.end());
  return fresh;
}

}  // namespace testbab
