#pragma once

#include <span>
#include <string>

#include <bab/base/error.hpp>

namespace bab::detail {

/// One sentence: why rte_eal_init failed with `args`, and what mends it. It comes from EAL's log
/// or, if the doctor has a finding about that, from the doctor.
Error explain_eal_failure(const std::string& log, std::span<const std::string> args = {});

/// Why a --vdev didn't become a port, from its driver's log. Empty: the driver logged nothing.
std::string explain_device_failure(const std::string& log);

/// Why EAL could not use a PCI device (0000:01:00.0), although it is bound to a kernel driver for
/// DPDK, and what mends it: from EAL's log or, if it has one, the doctor's finding. Empty: EAL's
/// log names no cause.
std::string explain_pci_failure(const std::string& log, const std::string& pci,
                                std::span<const std::string> args = {});

}  // namespace bab::detail
