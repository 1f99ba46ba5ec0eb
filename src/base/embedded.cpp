#include <sched.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/base/eal.hpp>

namespace bab {

std::vector<std::string> embedded_eal_args() {
  std::vector<int> cpus;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  if (cpus.empty()) cpus.push_back(0);
  // The last two CPUs: the first ones have the interrupts.
  const int second = cpus.back();
  const int first = cpus.size() > 1 ? cpus[cpus.size() - 2] : second;
  // 256 MiB hold the default pools with room to spare.
  return {"--no-huge", "--no-shconf",
          "--no-pci",  "--no-telemetry",
          "-m",        "256",
          "--lcores",  fmt::format("0@({}),1@{},2@{}", fmt::join(cpus, ","), first, second)};
}

}  // namespace bab
