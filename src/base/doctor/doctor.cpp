#include <bab/base/doctor.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "system.hpp"

namespace bab {

std::string_view level_name(Finding::Level level) {
  constexpr std::array<std::string_view, 3> kNames{"OK", "WARN", "FAIL"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::vector<Finding> examine(const Examination& what) {
  const doctor::System system(what.root);
  std::vector<Finding> findings;
  for (const auto part : {doctor::examine_memory, doctor::examine_nics, doctor::examine_interfaces,
                          doctor::examine_cpus, doctor::examine_threads, doctor::examine_user})
    part(system, what, findings);
  return findings;
}

namespace detail {

std::string diagnosis(std::span<const std::string> eal, std::span<const std::string_view> topics) {
  Examination what;
  what.eal.assign(eal.begin(), eal.end());
  what.memory_bytes = std::uint64_t{256}
                      << 20;  // as the embedded default: enough for default pools
  const std::vector<Finding> findings = examine(what);
  for (const std::string_view topic : topics)
    for (const Finding& f : findings)
      if (f.level == Finding::Level::kFail && f.topic == topic)
        return fmt::format("{}; {}", f.text, f.mend);
  return {};
}

}  // namespace detail

}  // namespace bab
