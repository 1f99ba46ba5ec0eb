#include <bab/detail/dpdk/release.hpp>

#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <rte_version.h>

#include <bab/base/error.hpp>

namespace bab::detail {
namespace {

/// A release of November has the ABI number of the following year.
constexpr unsigned abi_of(unsigned year, unsigned month) noexcept {
  return month >= 11 ? year + 1 : year;
}

/// The ABI number of a version: 23 for "DPDK 22.11.11".
std::optional<unsigned> abi_of(std::string_view version) {
  const std::size_t at = version.find_first_of("0123456789");
  if (at == std::string_view::npos) return {};
  const char* const end = version.data() + version.size();
  unsigned year = 0, month = 0;
  const auto [dot, year_fault] = std::from_chars(version.data() + at, end, year);
  if (year_fault != std::errc{} || dot == end || *dot != '.') return {};
  if (std::from_chars(dot + 1, end, month).ec != std::errc{}) return {};
  return abi_of(year, month);
}

}  // namespace

std::string release_mismatch(std::string_view built, std::string_view running) {
  const auto wanted = abi_of(built), found = abi_of(running);
  if (!wanted || !found || *wanted == *found) return "";
  return fmt::format(
      "this bab was built with {}, whose ABI is {}, and runs with {}, whose ABI is {}; build it "
      "again on this machine, or run it with the DPDK that it was built with",
      built, *wanted, running, *found);
}

unsigned abi_built_for() noexcept { return abi_of(RTE_VER_YEAR, RTE_VER_MONTH); }

void require_release_built_for(std::string_view tried) {
  const std::string built =
      fmt::format("DPDK {}.{:02}.{}", RTE_VER_YEAR, RTE_VER_MONTH, RTE_VER_MINOR);
  if (const std::string why = release_mismatch(built, rte_version()); !why.empty())
    throw Error(fmt::format("{}: {}", tried, why));
}

}  // namespace bab::detail
