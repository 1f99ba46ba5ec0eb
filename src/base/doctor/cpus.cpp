#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/detail/eal_args.hpp>

#include "system.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kCpuTopic = "cpu";
constexpr const char* kCpus = "sys/devices/system/cpu/";

using Lcores = std::map<unsigned, std::vector<unsigned>>;  // lcore to its CPUs

std::string named(const std::vector<unsigned>& cpus) {
  return fmt::format("CPU{} {}", cpus.size() == 1 ? "" : "s", enumerate(cpus));
}

/// "2", "0-3" or "(0,2-3)", from `at` on; leaves `at` behind it.
std::vector<unsigned> take_set(std::string_view text, std::size_t& at) {
  const bool bracket = at < text.size() && text[at] == '(';
  const std::size_t end = bracket ? text.find(')', at) : text.find_first_of(",@", at);
  const std::size_t from = at + (bracket ? 1 : 0);
  const std::vector<unsigned> set = parse_set(text.substr(from, end - from));
  at = end == std::string_view::npos ? text.size() : end + (bracket ? 1 : 0);
  return set;
}

/// EAL's --lcores: "lcores[@cpus][,…]". An lcore without CPUs runs on the one of its own number.
Lcores parse_lcores(std::string_view text) {
  Lcores all;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool bracket = text[at] == '(';
    const std::vector<unsigned> lcores = take_set(text, at);
    const bool mapped = at < text.size() && text[at] == '@';
    std::vector<unsigned> cpus;
    if (mapped) cpus = take_set(text, ++at);
    for (unsigned lcore : lcores)
      all[lcore] = mapped ? cpus : bracket ? lcores : std::vector<unsigned>{lcore};
  }
  return all;
}

/// EAL's -c: a hexadecimal mask.
Lcores parse_mask(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  Lcores all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned digit = 0;
    const char* const at = text.data() + text.size() - 1 - i;
    if (std::from_chars(at, at + 1, digit, 16).ec != std::errc()) break;
    for (unsigned bit = 0; bit < 4; ++bit)
      if ((digit >> bit & 1) != 0) {
        const auto lcore = static_cast<unsigned>(4 * i) + bit;
        all[lcore] = {lcore};
      }
  }
  return all;
}

Lcores read_lcores(const Examination& what) {
  if (const auto v = detail::option_values(what.eal, "--lcores"); !v.empty())
    return parse_lcores(v.back());
  if (const auto v = detail::option_values(what.eal, "-l", "-l"); !v.empty())
    return parse_lcores(v.back());
  if (const auto v = detail::option_values(what.eal, "-c", "-c"); !v.empty())
    return parse_mask(v.back());
  return {};
}

unsigned main_lcore(const Examination& what, const Lcores& lcores) {
  for (const std::string& text : detail::option_values(what.eal, "--main-lcore"))
    if (const auto set = parse_set(text); !set.empty()) return set.front();
  return lcores.begin()->first;
}

void examine_sharing(const System& system, const Lcores& workers, Findings& findings) {
  std::map<unsigned, std::vector<unsigned>> users;  // CPU to the lcores that have no other
  for (const auto& [lcore, cpus] : workers)
    if (cpus.size() == 1) users[cpus[0]].push_back(lcore);
  bool good = true;
  for (const auto& [cpu, lcores] : users) {
    if (lcores.size() < 2) continue;
    good = false;
    findings.push_back(
        {Level::kWarn, kCpuTopic,
         fmt::format("lcores {} share CPU {}, and each polls all the time", enumerate(lcores), cpu),
         "give every worker a CPU of its own: -l 0-2"});
  }
  std::map<std::vector<unsigned>, std::vector<unsigned>>
      floating;  // CPUs to the lcores on all of them
  for (const auto& [lcore, cpus] : workers)
    if (cpus.size() > 1) floating[cpus].push_back(lcore);
  for (const auto& [cpus, lcores] : floating) {
    if (lcores.size() <= cpus.size()) continue;
    good = false;
    findings.push_back({Level::kWarn, kCpuTopic,
                        fmt::format("lcores {} share CPUs {}, which are fewer", enumerate(lcores),
                                    enumerate(cpus)),
                        "give every worker a CPU of its own: -l 0-2"});
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
             : fmt::format("{} worker lcores on CPUs enough", workers.size()),
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
  // These arguments say all of it: a list without those that are isolated already would give them back.
  std::set<unsigned> wanted(isolated.begin(), isolated.end());
  wanted.insert(cpus.begin(), cpus.end());
  const std::string list = fmt::format("{}", fmt::join(wanted, ","));
  const auto online = parse_set(system.text(fmt::format("{}online", kCpus)).value_or(""));
  const bool all = !online.empty() && wanted.size() >= online.size();
  findings.push_back(
      {Level::kWarn, kCpuTopic,
       fmt::format("other processes run on the workers' {}, too, and add latency", named(shared)),
       all ? "leave other processes a CPU: workers on fewer of them (-l), then ask again"
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
                          "the TSC's rate isn't constant: deadlines and rates will be off",
                          "use another machine, or let the hypervisor pass its TSC through"});
    return;
  }
}

}  // namespace

std::vector<unsigned> lcore_cpus(const Examination& what) {
  std::set<unsigned> all;
  for (const auto& [lcore, cpus] : read_lcores(what)) all.insert(cpus.begin(), cpus.end());
  return {all.begin(), all.end()};
}

void examine_cpus(const System& system, const Examination& what, Findings& findings) {
  Lcores lcores = read_lcores(what);
  const auto online = parse_set(system.text(fmt::format("{}online", kCpus)).value_or(""));
  if (lcores.empty())  // EAL's own default: an lcore on every CPU
    for (unsigned cpu : online) lcores[cpu] = {cpu};
  if (lcores.empty()) return;
  std::vector<unsigned> absent;
  for (const auto& [lcore, cpus] : lcores)
    for (unsigned cpu : cpus)
      if (!online.empty() && std::find(online.begin(), online.end(), cpu) == online.end())
        absent.push_back(cpu);
  if (!absent.empty())
    findings.push_back(
        {Level::kFail, kCpuTopic,
         fmt::format("{} {} there or {} offline", named(absent),
                     absent.size() == 1 ? "isn't" : "aren't", absent.size() == 1 ? "is" : "are"),
         fmt::format("choose of {}", system.text(fmt::format("{}online", kCpus)).value_or(""))});
  lcores.erase(main_lcore(what, lcores));
  if (lcores.empty()) {
    findings.push_back({Level::kFail, kCpuTopic, "there is no worker lcore beside the main one",
                        "give two or more: -l 0-2"});
    return;
  }
  examine_sharing(system, lcores, findings);
  std::set<unsigned> cpus;
  for (const auto& [lcore, its] : lcores) cpus.insert(its.begin(), its.end());
  const std::vector<unsigned> all(cpus.begin(), cpus.end());
  examine_isolation(system, all, findings);
  examine_governor(system, all, findings);
  examine_clock(system, findings);
}

}  // namespace bab::doctor
