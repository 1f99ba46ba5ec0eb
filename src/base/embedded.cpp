#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/base/eal.hpp>

#include "eal_threads.hpp"

namespace bab {

std::vector<std::string> embedded_eal_args() {
  std::vector<unsigned> cpus = detail::own_cpus();
  if (cpus.empty()) cpus.push_back(0);
  // The last two CPUs: the first ones usually handle the interrupts.
  const unsigned second = cpus.back();
  const unsigned first = cpus.size() > 1 ? cpus[cpus.size() - 2] : second;
  // 256 MiB hold the default pools with room to spare.
  return {"--no-huge", "--no-shconf",
          "--no-pci",  "--no-telemetry",
          "-m",        "256",
          "--lcores",  fmt::format("0@({}),1@{},2@{}", fmt::join(cpus, ","), first, second)};
}

}  // namespace bab
