#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../base/system.hpp"

namespace bab::doctor {

using detail::System;

/// The data in the PMD_INFO_STRING of a PMD's library (which dpdk-pmdinfo.py prints).
struct Pmd {
  std::string name;  ///< net_ixgbe
  std::string kmod;  ///< kernel modules that it works with: "* igb_uio | vfio-pci"
};

/// The PMD for a PCI device: an installed one, or one that EAL arguments load (-d, with an absolute
/// path). An empty name: there is none.
Pmd find_pmd(const System& system, std::span<const std::string> eal, std::uint16_t vendor,
             std::uint16_t device);

/// The Debian package with the PMDs for a vendor's NICs; empty: DPDK is not known to have any.
std::string pmd_package(std::uint16_t vendor);

}  // namespace bab::doctor
