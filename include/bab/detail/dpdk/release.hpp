#pragma once

#include <string>
#include <string_view>

#include <rte_version.h>

namespace bab::detail {

/// The release of DPDK that a translation unit is compiled for: 2211 is 22.11. Each unit's own.
constexpr unsigned kDpdkRelease = 100 * RTE_VER_YEAR + RTE_VER_MONTH;

/// Why a library that was built with the headers of DPDK `built` must not run with DPDK `running`,
/// each as rte_version() spells it ("DPDK 22.11.11"): structs that both know differ from one ABI to
/// the next, which comes with each November's release. Empty: they fit, or one of the two isn't
/// spelled so.
std::string release_mismatch(std::string_view built, std::string_view running);

/// The number of the ABI that this library was built for, as DPDK's libraries (librte_eal.so.23)
/// and Debian's packages of them (librte-eal23) have it.
unsigned abi_built_for() noexcept;

/// Throws Error, with `tried` before it, when this library was built for another ABI of DPDK than
/// the one that is here.
void require_release_built_for(std::string_view tried);

}  // namespace bab::detail
