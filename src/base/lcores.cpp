#include "lcores.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <rte_lcore.h>

#include <bab/detail/eal_args.hpp>

#include "cpu_set.hpp"
#include "eal_threads.hpp"
#include "words.hpp"

namespace bab::detail {
namespace {

bool has(const std::vector<unsigned>& cpus, unsigned cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

/// Reads "2", "0-3" or "(0,2-3)" at `at`, and moves `at` behind it.
std::vector<unsigned> take_set(std::string_view text, std::size_t& at, bool either_way) {
  const bool bracket = at < text.size() && text[at] == '(';
  const std::size_t end = bracket ? text.find(')', at) : text.find_first_of(",@", at);
  const std::size_t from = at + (bracket ? 1 : 0);
  const std::vector<unsigned> set = parse_set(text.substr(from, end - from), either_way);
  at = end == std::string_view::npos ? text.size() : end + (bracket ? 1 : 0);
  return set;
}

/// EAL's --lcores: "lcores[@cpus][,…]". An lcore without CPUs runs on the CPU of its own number.
/// `either_way`: a range such as 1-0 is 0-1; without it, as in a list of cores (-l), it is empty.
Lcores parse_lcores(std::string_view text, bool either_way) {
  Lcores all;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool bracket = text[at] == '(';
    const std::vector<unsigned> lcores = take_set(text, at, either_way);
    const bool mapped = at < text.size() && text[at] == '@';
    std::vector<unsigned> cpus;
    if (mapped) cpus = take_set(text, ++at, either_way);
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

std::string choose_of(const std::vector<unsigned>& cpus, const Lcores& asked) {
  const std::size_t workers = std::max<std::size_t>(asked.size(), 2) - 1;
  return fmt::format("choose from {}, as in {}", as_set(cpus), lcores_argument(workers, cpus));
}

}  // namespace

Lcores lcores_asked_for(std::span<const std::string> eal) {
  // EAL skips blanks, and strtoul() skips a plus.
  const auto bare = [](std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '+'; });
    return text;
  };
  if (const auto v = option_values(eal, "--lcores"); !v.empty())
    return parse_lcores(bare(v.back()), true);
  if (const auto v = option_values(eal, "-l"); !v.empty())
    return parse_lcores(bare(v.back()), false);
  if (const auto v = option_values(eal, "-c"); !v.empty()) return parse_mask(bare(v.back()));
  return {};
}

Lcores lcores_of(const System& system, std::span<const std::string> eal) {
  Lcores lcores = lcores_asked_for(eal);
  if (lcores.empty())
    for (const unsigned cpu : system.own_cpus())
      if (cpu < RTE_MAX_LCORE) lcores[cpu] = {cpu};
  return lcores;
}

unsigned main_lcore(std::span<const std::string> eal, const Lcores& lcores) {
  const std::vector<std::string> given = option_values(eal, "--main-lcore");
  if (given.empty()) return lcores.begin()->first;
  return static_cast<unsigned>(std::strtoul(given.back().c_str(), nullptr, 0));  // as EAL reads it
}

std::optional<LcoreRefusal> lcores_that_cannot_be(const System& system,
                                                  std::span<const std::string> eal) {
  const auto fail = [](std::string text, std::string mend) {
    return LcoreRefusal{std::move(text), std::move(mend)};
  };
  const Lcores lcores = lcores_of(system, eal);
  const std::vector<unsigned> online = system.online_cpus();
  const std::vector<unsigned> usable = system.usable_cpus();
  if (lcores.empty() || online.empty() || usable.empty()) return std::nullopt;
  // EAL judges lcores that it renumbers itself (since 25.11), and values that are not understood
  // here.
  if (has_option(eal, "--remap-lcore-ids")) return std::nullopt;
  for (const auto& [lcore, cpus] : lcores)
    if (cpus.empty()) return std::nullopt;
  if (const unsigned last = lcores.rbegin()->first; last >= RTE_MAX_LCORE)
    return fail(
        fmt::format("lcore {} >= RTE_MAX_LCORE ({})", last, RTE_MAX_LCORE),
        fmt::format("give lcores lower numbers, and put them on CPUs of {} with --lcores, as "
                    "in --lcores 0@{},1@{}",
                    as_set(usable), usable.front(), usable.back()));
  std::vector<unsigned> absent, homeless, forbidden;
  for (const auto& [lcore, cpus] : lcores) {
    for (const unsigned cpu : cpus)
      if (!has(online, cpu) && !has(usable, cpu) && !has(absent, cpu)) absent.push_back(cpu);
    if (std::any_of(cpus.begin(), cpus.end(), [&](unsigned cpu) { return has(usable, cpu); }))
      continue;
    homeless.push_back(lcore);
    for (const unsigned cpu : cpus)
      if (!has(forbidden, cpu)) forbidden.push_back(cpu);
  }
  const auto plural = [](const std::vector<unsigned>& all, std::string_view one,
                         std::string_view more) { return all.size() == 1 ? one : more; };
  std::sort(absent.begin(), absent.end());
  if (!absent.empty())
    return fail(
        fmt::format("CPU{} {} {} exist or {} offline", plural(absent, "", "s"), enumerate(absent),
                    plural(absent, "doesn't", "don't"), plural(absent, "is", "are")),
        choose_of(usable, lcores));
  std::sort(forbidden.begin(), forbidden.end());
  if (!homeless.empty())
    return fail(
        fmt::format("this process may not use CPU{} {}, and lcore{} {} {} no other CPU: "
                    "this process's cpuset has {}",
                    plural(forbidden, "", "s"), enumerate(forbidden), plural(homeless, "", "s"),
                    enumerate(homeless), plural(homeless, "has", "have"), as_set(usable)),
        choose_of(usable, lcores) + ", or give its container or cgroup more CPUs");
  if (const unsigned main = main_lcore(eal, lcores); lcores.count(main) == 0)
    return fail(fmt::format("main lcore {} is none of the lcores", main),
                "--main-lcore takes one of the lcores of -l or --lcores");
  return std::nullopt;
}

std::string lcores_argument(std::size_t workers, const std::vector<unsigned>& cpus) {
  const std::size_t lcores = workers + 1;
  if (cpus.empty()) return fmt::format("-l 0-{}", workers);
  const auto chosen = [&](std::size_t first, std::size_t n) {
    const auto from = cpus.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<unsigned>(from, from + static_cast<std::ptrdiff_t>(n));
  };
  if (lcores <= cpus.size() && cpus[lcores - 1] < RTE_MAX_LCORE)
    return fmt::format("-l {}", as_set(chosen(0, lcores)));
  // The last CPUs: the first ones usually handle the interrupts.
  const std::size_t skipped = cpus.size() > workers ? cpus.size() - workers : 0;
  const std::string all = as_set(cpus);
  std::string argument =
      cpus.size() == 1 ? "--lcores 0@" + all : fmt::format("--lcores 0@({})", all);
  for (std::size_t i = 0; i < workers; ++i)
    argument += fmt::format(",{}@{}", i + 1, cpus[skipped + i % (cpus.size() - skipped)]);
  return argument;
}

std::string lcores_for_workers(std::size_t workers) {
  return lcores_argument(workers, usable_cpus());
}

}  // namespace bab::detail
