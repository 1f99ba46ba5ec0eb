#pragma once

#include <string>
#include <string_view>

#include <rte_version.h>

namespace bab::detail {

/// The release of DPDK that a translation unit is compiled for: 2211 is 22.11. Each unit has its
/// own.
constexpr unsigned kDpdkRelease = 100 * RTE_VER_YEAR + RTE_VER_MONTH;

/// Why a library that was built with the headers of DPDK `built` must not run with DPDK `running`;
/// both are spelled as by rte_version() ("DPDK 22.11.11"). Structs that both use differ from one
/// ABI to the next, and each November's release has a new ABI. Empty: they fit, or one of the two
/// is spelled otherwise.
std::string release_mismatch(std::string_view built, std::string_view running);

/// The number of the DPDK ABI that this library was built for, as in the names of DPDK's libraries
/// (librte_eal.so.23) and of Debian's packages (librte-eal23).
unsigned abi_built_for() noexcept;

/// Throws Error, whose sentence begins with `tried`, if this library was built for another ABI than
/// that of the DPDK it runs with.
void require_release_built_for(std::string_view tried);

}  // namespace bab::detail
