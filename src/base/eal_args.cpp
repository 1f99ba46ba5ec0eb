#include <bab/detail/eal_args.hpp>

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace bab::detail {

bool is_option(std::string_view arg, std::string_view name) {
  const std::string_view given = arg.substr(0, arg.find('='));
  return given == name || (given.size() > 2 && name.starts_with("--") && name.starts_with(given));
}

bool has_option(std::span<const std::string> args, std::string_view name) {
  return std::any_of(args.begin(), args.end(),
                     [&](std::string_view arg) { return is_option(arg, name); });
}

std::vector<std::string> option_values(std::span<const std::string> args, std::string_view name,
                                       std::string_view letter) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const bool by_letter = !letter.empty() && args[i].starts_with(letter);
    if (!by_letter && !is_option(args[i], name)) continue;
    if (by_letter && args[i].size() > letter.size())
      found.push_back(args[i].substr(letter.size()));
    else if (const std::size_t eq = args[i].find('='); eq != std::string::npos)
      found.push_back(args[i].substr(eq + 1));
    else if (i + 1 < args.size())
      found.push_back(args[++i]);
  }
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
  constexpr std::array<std::string_view, 5> kPrints{"--log-level", "--help", "-h", "--version",
                                                    "-v"};
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
