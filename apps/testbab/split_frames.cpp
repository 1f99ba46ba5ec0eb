#include "split_frames.hpp"

#include <fmt/format.h>

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

std::string SplitFrames::look(const Job& job, const Wiring& wiring) {
  std::string news;
  for (std::size_t i = 0; i < wiring.ports(); ++i) {
    if (told_.contains(i) || gathered_on(job, i) == 0) continue;
    told_.insert(i);
    news += fmt::format("  {}\n", bab::split_frames_text(wiring.port(i)));
  }
  return news;
}

}  // namespace testbab
