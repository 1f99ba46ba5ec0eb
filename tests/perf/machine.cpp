#include "machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_version.h>

namespace bench {
namespace {

/// The value in the first line `name<separator>value` of a file.
std::string field(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    const std::size_t at = line.find_first_not_of(" \t:", name.size());
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "unknown";
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line.empty() ? "unknown" : line;
}

}  // namespace

Machine describe_machine(const std::string& commit) {
  utsname os{};
  (void)uname(&os);
  return {
      {"cpu", field("/proc/cpuinfo", "model name")},
      {"cpus", std::to_string(sysconf(_SC_NPROCESSORS_ONLN))},
      {"l2_cache", first_line("/sys/devices/system/cpu/cpu0/cache/index2/size")},
      {"tsc_mhz", std::to_string(rte_get_tsc_hz() / 1'000'000)},
      {"hypervisor",
       field("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos ? "yes" : "no"},
      {"kernel", fmt::format("{} {}", os.sysname, os.release)},
      {"load", first_line("/proc/loadavg")},
      {"pages", rte_eal_has_hugepages() != 0 ? "hugepages" : "4 KiB (--no-huge)"},
      {"commit", commit},
      {"compiler", BAB_COMPILER},
      {"flags", BAB_FLAGS},
      {"dpdk", rte_version()},
      {"date", fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time(nullptr)))},
  };
}

std::string prefer_this_thread() {
  sched_param fifo{};
  fifo.sched_priority = 1;
  if (sched_setscheduler(0, SCHED_FIFO, &fifo) == 0) return "SCHED_FIFO";
  if (setpriority(PRIO_PROCESS, 0, -20) == 0) return "nice -20";
  return "as started";
}

}  // namespace bench
