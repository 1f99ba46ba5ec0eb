#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bab::detail {

/// The mend of an Error with Setting::kEalArguments.
constexpr std::string_view kListsOptions = "-h lists EAL's options";

struct GivenOption {
  std::string name;  ///< as in EAL's list; "-n" if 22.11 has only a letter
  std::optional<std::string> value;
  std::string given;                       ///< the name or letter as it was written
  [[nodiscard]] std::string text() const;  ///< "--iova-mode=pa", "-n 0", "--no-huge"
};

/// Reads EAL's arguments as this version's EAL does. Throws Error for everything that EAL would
/// refuse: an unknown or ambiguous name, a superfluous or missing value, an option given too often,
/// a word that is no option.
std::vector<GivenOption> read_eal_options(std::span<const std::string> args);

/// The same, but skips everything that EAL would refuse.
std::vector<GivenOption> known_eal_options(std::span<const std::string> args);

}  // namespace bab::detail
