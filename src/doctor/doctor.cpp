#include <bab/doctor/doctor.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "../base/eal_check.hpp"
#include "../base/eal_options.hpp"
#include "examine.hpp"

namespace bab {
namespace {

/// The finding on EAL's options if a start would refuse them.
std::optional<Finding> wrong_options(const std::vector<std::string>& eal) {
  try {
    detail::check_eal_args(eal);
    return std::nullopt;
  } catch (const Error& error) {
    constexpr std::string_view kStart = "starting EAL: ";
    std::string text = error.what();
    if (text.starts_with(kStart)) text.erase(0, kStart.size());
    const std::size_t end = std::min(text.rfind("; "), text.size());
    std::string mend = text.substr(std::min(end + 2, text.size()));
    return Finding{Finding::Level::kFail, "options", text.substr(0, end), std::move(mend),
                   error.setting()};
  }
}

/// Whether the options for lcores are wrong: there are no lcores to examine then.
bool lcores_are_wrong(const std::vector<std::string>& eal) {
  const std::vector<detail::GivenOption> given = detail::known_eal_options(eal);
  return std::any_of(given.begin(), given.end(), [](const detail::GivenOption& option) {
    return (option.name == "-l" || option.name == "--lcores" || option.name == "-c") &&
           option.value &&
           (!detail::wrong_value(option.name, *option.value).empty() ||
            !detail::range_upwards(option.name, *option.value).empty());
  });
}

}  // namespace

std::string_view level_name(Finding::Level level) {
  constexpr std::array<std::string_view, 3> kNames{"OK", "WARN", "FAIL"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::vector<Finding> examine(const Examination& what) {
  const detail::System system(what.root);
  std::vector<Finding> findings;
  if (const auto wrong = wrong_options(what.eal)) findings.push_back(*wrong);
  for (const auto part : {doctor::examine_memory, doctor::examine_hugepage_files,
                          doctor::examine_nics, doctor::examine_interfaces})
    part(system, what, findings);
  if (!lcores_are_wrong(what.eal)) {
    doctor::examine_cpus(system, what, findings);
    doctor::examine_threads(system, what, findings);
  }
  doctor::examine_user(system, what, findings);
  return findings;
}

namespace detail {

std::string first_failure(std::span<const std::string> eal,
                          std::span<const std::string_view> topics) {
  Examination what;
  what.eal.assign(eal.begin(), eal.end());
  // As in the embedded default: enough for default pools.
  what.memory_bytes = std::uint64_t{256} << 20;
  const std::vector<Finding> findings = examine(what);
  for (const std::string_view topic : topics)
    for (const Finding& f : findings)
      if (f.level == Finding::Level::kFail && f.topic == topic)
        return fmt::format("{}; {}", f.text, f.mend);
  return {};
}

}  // namespace detail

}  // namespace bab
