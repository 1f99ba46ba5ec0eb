#pragma once

#include <span>
#include <string>

#include <bab/base/error.hpp>

namespace bab::detail {

/// Why rte_eal_init failed with `args` and what mends it, in one sentence: from what it printed, or
/// what a diagnosis says about that.
Error explain_eal_failure(const std::string& log, std::span<const std::string> args = {});

/// Why a --vdev didn't become a port, from what its driver printed; empty when it printed nothing.
std::string explain_device_failure(const std::string& log);

/// Why EAL could not use a PCI device (0000:01:00.0) that the kernel's driver for DPDK has, and
/// what mends it: from what EAL said of it, or what a diagnosis says about that; empty when EAL
/// named no cause.
std::string explain_pci_failure(const std::string& log, const std::string& pci,
                                std::span<const std::string> args = {});

}  // namespace bab::detail
