#include "eal_check.hpp"

#include <strings.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_args.hpp>

#include "../detail/dpdk/eal_options.hpp"
#include "eal_options.hpp"
#include "eal_threads.hpp"
#include "lcores.hpp"
#include "thread_limit.hpp"

namespace bab::detail {
namespace {

using Given = std::vector<GivenOption>;

const GivenOption* find(const Given& given, std::string_view wanted) {
  const std::size_t eq = wanted.find('=');
  const auto at = std::find_if(given.begin(), given.end(), [&](const GivenOption& option) {
    if (option.name != wanted.substr(0, eq)) return false;
    return eq == std::string_view::npos ||
           wanted.substr(eq + 1) ==
               option.value.value_or("always");  // only --huge-unlink may lack one
  });
  return at == given.end() ? nullptr : &*at;
}

/// EAL uses the last --proc-type that is given.
bool is_secondary(const Given& given) {
  const auto last = std::find_if(given.rbegin(), given.rend(),
                                 [](const GivenOption& o) { return o.name == "--proc-type"; });
  return last != given.rend() && strcasecmp(last->value.value_or("").c_str(), "secondary") == 0;
}

void refuse_values(const Given& given) {
  for (const GivenOption& option : given) {
    if (!option.value) continue;
    if (const std::string_view takes = wrong_value(option.name, *option.value); !takes.empty())
      throw Error(fmt::format("starting EAL: invalid value, {}; {}", option.text(), takes));
    if (const std::string upwards = range_upwards(option.name, *option.value); !upwards.empty())
      throw Error(fmt::format("starting EAL: there is no core in {}; ranges go upwards: {} {}",
                              option.text(), option.given, upwards));
  }
}

void refuse_pairs(const Given& given) {
  const auto said = [&](std::string_view wanted) {
    const GivenOption& option = *find(given, wanted);
    return wanted.find('=') == std::string_view::npos ? option.given : option.text();
  };
  for (const dpdk::ExclusiveOptions& pair : dpdk::exclusive_options())
    if (find(given, pair.one) != nullptr && find(given, pair.other) != nullptr)
      throw Error(fmt::format("starting EAL: {} cannot be specified together with {}; {}",
                              said(pair.one), said(pair.other), pair.mend));
  if (!is_secondary(given)) return;
  for (const std::string_view alone : {"--no-shconf", "--in-memory"})
    if (find(given, alone) != nullptr)
      throw Error(fmt::format(
          "starting EAL: --proc-type=secondary would wait for ever with {}, by which nothing is "
          "shared; leave one of the two out",
          alone));
}

}  // namespace

void check_eal_args(std::span<const std::string> args) {
  const Given given = read_eal_options(args);
  if (find(given, "--help") != nullptr) return;
  refuse_values(given);
  refuse_pairs(given);
}

void check_eal_limits(std::span<const std::string> args) {
  if (has_option(args, "--help")) return;
  const System system("/");
  if (const auto refusal = lcores_that_cannot_be(system, args))
    throw Error(fmt::format("starting EAL: {}; {}", refusal->text, refusal->mend));
  const std::size_t needed = eal_threads(args, lcores_of(system, args).size());
  const std::size_t there = threads_that_start(needed);
  if (there >= needed) return;
  const ThreadLimit limit = thread_limit(system);
  if (limit.room && *limit.room < needed)
    throw Error(fmt::format("starting EAL: {}; {}", limit.text(needed), limit.mend(needed)));
  throw Error(fmt::format(
      "starting EAL: EAL needs {} threads, but only {} can be started; raise the number of "
      "processes (ulimit -u, the container's pids limit) or give EAL fewer lcores",
      needed, there));
}

}  // namespace bab::detail
