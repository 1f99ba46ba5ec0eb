#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bab::detail {

/// A mend, with Setting::kEalArguments.
constexpr std::string_view kListsOptions = "-h lists EAL's options";

struct GivenOption {
  std::string name;  ///< as in EAL's list; "-n" where 22.11 has a letter alone
  std::optional<std::string> value;
  std::string given;                       ///< its name or letter, whichever was written
  [[nodiscard]] std::string text() const;  ///< "--iova-mode=pa", "-n 0", "--no-huge"
};

/// EAL's arguments as this version's EAL reads them. Throws Error at what it would refuse: a name
/// that it hasn't, or that fits several; a value too many or missing; an option twice; a word that
/// is no option.
std::vector<GivenOption> read_eal_options(std::span<const std::string> args);

/// The same without what it would refuse.
std::vector<GivenOption> known_eal_options(std::span<const std::string> args);

}  // namespace bab::detail
