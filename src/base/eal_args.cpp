#include <bab/detail/eal_args.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "eal_options.hpp"

namespace bab::detail {

bool has_option(std::span<const std::string> args, std::string_view name) {
  const std::vector<GivenOption> given = known_eal_options(args);
  return std::any_of(given.begin(), given.end(),
                     [&](const GivenOption& option) { return option.name == name; });
}

std::vector<std::string> option_values(std::span<const std::string> args, std::string_view name) {
  std::vector<std::string> found;
  for (GivenOption& option : known_eal_options(args))
    if (option.name == name && option.value) found.push_back(std::move(*option.value));
  return found;
}

std::string pci_address(std::string_view device) {
  device = device.substr(0, device.find(','));
  if (device.starts_with("pci:")) device.remove_prefix(4);
  if (device.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos ||
      device.find('.') == std::string_view::npos)
    return {};
  const auto colons = std::count(device.begin(), device.end(), ':');
  if (colons != 1 && colons != 2) return {};
  std::string address = fmt::format("{}{}", colons == 1 ? "0000:" : "", device);
  for (char& c : address) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return address;
}

bool without_pci(std::span<const std::string> args) { return has_option(args, "--no-pci"); }

bool wants_text(std::span<const std::string> args) {
  constexpr std::array<std::string_view, 3> kPrints{"--log-level", "--help", "-v"};
  return std::any_of(kPrints.begin(), kPrints.end(),
                     [&](std::string_view name) { return has_option(args, name); });
}

bool keeps_files(std::span<const std::string> args) {
  constexpr std::array<std::string_view, 7> kFiles{"--no-huge",     "--in-memory", "--legacy-mem",
                                                   "--file-prefix", "--proc-type",
                                                   "--huge-unlink",  // says what becomes of files
                                                   "--huge-dir"};
  return std::any_of(kFiles.begin(), kFiles.end(),
                     [&](std::string_view name) { return has_option(args, name); });
}

}  // namespace bab::detail
