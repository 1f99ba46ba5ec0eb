#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../base/system.hpp"

namespace bab::doctor {

using detail::System;

/// What a PMD's library says of itself in its PMD_INFO_STRING (what dpdk-pmdinfo.py prints).
struct Pmd {
  std::string name;  ///< net_ixgbe
  std::string kmod;  ///< kernel modules it works with: "* igb_uio | vfio-pci"
};

/// The installed PMD for a PCI device, or one of those that EAL arguments load (-d, by an absolute
/// path); an empty name: there is none.
Pmd find_pmd(const System& system, std::span<const std::string> eal, std::uint16_t vendor,
             std::uint16_t device);

/// The Debian package with PMDs for that vendor's NICs; empty: DPDK is not known to have any.
std::string pmd_package(std::uint16_t vendor);

}  // namespace bab::doctor
