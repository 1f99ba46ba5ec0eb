#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../base/cpu_set.hpp"
#include "../base/lcores.hpp"
#include "../base/words.hpp"
#include "examine.hpp"

namespace bab::doctor {
namespace {

using detail::as_set;
using detail::enumerate;
using detail::Lcores;
using detail::lcores_argument;
using detail::lcores_asked_for;
using detail::lcores_of;
using detail::lcores_that_cannot_be;
using detail::main_lcore;
using detail::parse_set;

constexpr std::string_view kCpuTopic = "cpu";
constexpr const char* kCpus = "sys/devices/system/cpu/";

std::string named(const std::vector<unsigned>& cpus) {
  return fmt::format("CPU{} {}", cpus.size() == 1 ? "" : "s", enumerate(cpus));
}

/// An EAL argument that gives each worker a CPU of its own, if there are enough.
std::string a_cpu_for_each(std::size_t workers, const std::vector<unsigned>& usable) {
  if (workers <= usable.size())
    return fmt::format("give every worker a CPU of its own: {}", lcores_argument(workers, usable));
  return fmt::format("this process may use {}; use fewer workers: {}", as_set(usable),
                     lcores_argument(usable.size(), usable));
}

void examine_sharing(const System& system, const Lcores& workers,
                     const std::vector<unsigned>& usable, Findings& findings) {
  std::map<unsigned, std::vector<unsigned>> users;  // from a CPU to the lcores that run only there
  for (const auto& [lcore, cpus] : workers)
    if (cpus.size() == 1) users[cpus[0]].push_back(lcore);
  bool good = true;
  for (const auto& [cpu, lcores] : users) {
    if (lcores.size() < 2) continue;
    good = false;
    findings.push_back(
        {Level::kWarn, kCpuTopic,
         fmt::format("lcores {} share CPU {}, and each polls all the time", enumerate(lcores), cpu),
         a_cpu_for_each(workers.size(), usable)});
  }
  std::map<std::vector<unsigned>, std::vector<unsigned>>
      floating;  // from CPUs to the lcores that may run on any of them
  for (const auto& [lcore, cpus] : workers)
    if (cpus.size() > 1) floating[cpus].push_back(lcore);
  for (const auto& [cpus, lcores] : floating) {
    if (lcores.size() <= cpus.size()) continue;
    good = false;
    findings.push_back({Level::kWarn, kCpuTopic,
                        fmt::format("lcores {} share CPUs {}, which are too few", enumerate(lcores),
                                    enumerate(cpus)),
                        a_cpu_for_each(workers.size(), usable)});
  }
  std::set<std::vector<unsigned>> seen;
  for (const auto& [cpu, lcores] : users) {
    const auto siblings = parse_set(
        system.text(fmt::format("{}cpu{}/topology/thread_siblings_list", kCpus, cpu)).value_or(""));
    std::vector<unsigned> ours;
    std::copy_if(siblings.begin(), siblings.end(), std::back_inserter(ours),
                 [&](unsigned c) { return users.count(c) > 0; });
    if (ours.size() < 2 || !seen.insert(ours).second) continue;
    good = false;
    findings.push_back(
        {Level::kWarn, kCpuTopic,
         fmt::format("CPUs {} of the workers are hyperthreads of one core", enumerate(ours)),
         "choose CPUs of different cores (lscpu -e shows them)"});
  }
  if (good)
    findings.push_back(
        {Level::kOk, kCpuTopic,
         floating.empty()
             ? workers.size() == 1
                   ? std::string("1 worker lcore, with a CPU of its own")
                   : fmt::format("{} worker lcores, each with a CPU of its own", workers.size())
             : fmt::format("{} worker lcores have enough CPUs", workers.size()),
         ""});
}

void examine_isolation(const System& system, const std::vector<unsigned>& cpus,
                       Findings& findings) {
  const auto isolated = parse_set(system.text(fmt::format("{}isolated", kCpus)).value_or(""));
  std::vector<unsigned> shared;
  std::copy_if(cpus.begin(), cpus.end(), std::back_inserter(shared), [&](unsigned cpu) {
    return std::find(isolated.begin(), isolated.end(), cpu) == isolated.end();
  });
  if (shared.empty()) {
    findings.push_back({Level::kOk, kCpuTopic, "the workers' CPUs are isolated", ""});
    return;
  }
  // These kernel arguments replace the earlier ones: a list without the CPUs that are already
  // isolated would give them back.
  std::set<unsigned> wanted(isolated.begin(), isolated.end());
  wanted.insert(cpus.begin(), cpus.end());
  const std::string list = fmt::format("{}", fmt::join(wanted, ","));
  const auto online = parse_set(system.text(fmt::format("{}online", kCpus)).value_or(""));
  const bool all = !online.empty() && wanted.size() >= online.size();
  findings.push_back(
      {Level::kWarn, kCpuTopic,
       fmt::format("other processes run on the workers' {}, too, and add latency", named(shared)),
       all ? "leave other processes a CPU: put the workers on fewer CPUs (-l), then check again"
           : fmt::format(
                 "put isolcpus={0} nohz_full={0} rcu_nocbs={0} on the kernel's command line "
                 "(GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub)",
                 list)});
}

void examine_governor(const System& system, const std::vector<unsigned>& cpus, Findings& findings) {
  std::vector<unsigned> slow;
  std::string governor;
  for (unsigned cpu : cpus)
    if (const auto g = system.text(fmt::format("{}cpu{}/cpufreq/scaling_governor", kCpus, cpu));
        g && *g != "performance") {
      slow.push_back(cpu);
      governor = *g;
    }
  if (!slow.empty())
    findings.push_back(
        {Level::kWarn, kCpuTopic,
         fmt::format("{} {} the frequency governor {}", named(slow),
                     slow.size() == 1 ? "has" : "have", governor),
         fmt::format("echo performance | tee /{}cpu*/cpufreq/scaling_governor", kCpus)});
}

void examine_clock(const System& system, Findings& findings) {
  for (const std::string& line : system.lines("proc/cpuinfo")) {
    if (!line.starts_with("flags")) continue;
    if (line.find(" constant_tsc") == std::string::npos)
      findings.push_back({Level::kWarn, kCpuTopic,
                          "the TSC's rate isn't constant: deadlines and rates will be wrong",
                          "use another machine, or let the hypervisor pass its TSC through"});
    return;
  }
}

}  // namespace

std::vector<unsigned> lcore_cpus(const Examination& what) {
  std::set<unsigned> all;
  for (const auto& [lcore, cpus] : lcores_asked_for(what.eal)) all.insert(cpus.begin(), cpus.end());
  return {all.begin(), all.end()};
}

void examine_cpus(const System& system, const Examination& what, Findings& findings) {
  Lcores lcores = lcores_of(system, what.eal);
  if (lcores.empty()) return;
  if (auto refusal = lcores_that_cannot_be(system, what.eal)) {
    findings.push_back(
        {Level::kFail, kCpuTopic, std::move(refusal->text), std::move(refusal->mend)});
    return;
  }
  const std::vector<unsigned> usable = system.usable_cpus();
  lcores.erase(main_lcore(what.eal, lcores));
  if (lcores.empty()) {
    findings.push_back({Level::kFail, kCpuTopic, "there is no worker lcore besides the main one",
                        fmt::format("give two or more: {}", lcores_argument(2, usable))});
    return;
  }
  if (lcores.size() < what.workers)
    findings.push_back(
        {Level::kFail, kCpuTopic,
         fmt::format("{} worker lcores are asked for, and there {}", what.workers,
                     lcores.size() == 1 ? "is 1" : fmt::format("are {}", lcores.size())),
         fmt::format("give EAL as many: {}", lcores_argument(what.workers, usable))});
  examine_sharing(system, lcores, usable, findings);
  std::set<unsigned> cpus;
  for (const auto& [lcore, its] : lcores) cpus.insert(its.begin(), its.end());
  const std::vector<unsigned> all(cpus.begin(), cpus.end());
  examine_isolation(system, all, findings);
  examine_governor(system, all, findings);
  examine_clock(system, findings);
}

}  // namespace bab::doctor
