#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bab::detail {

// Both read arguments as this version's EAL does ("--name=value", "--name value", "-nvalue", "-n
// value", combined letters, abbreviated names), and skip what it would refuse. `name` is the
// option's in EAL's list, with its dashes; "-n" if DPDK 22.11 has only a letter.

bool has_option(std::span<const std::string> args, std::string_view name);

/// The values of an option, in their order. Which of several counts depends on the option: usually
/// the last.
std::vector<std::string> option_values(std::span<const std::string> args, std::string_view name);

/// The address 0000:01:00.0 in "0000:01:00.0,key=value", "pci:0000:01:00.0" or "01:00.0". Empty:
/// the device isn't on a PCI bus.
std::string pci_address(std::string_view device);

/// Whether EAL is told not to look at the PCI bus.
bool without_pci(std::span<const std::string> args);

/// Whether EAL is asked to print something, which then goes where EAL sends it.
bool wants_text(std::span<const std::string> args);

/// Whether EAL is told where its files go, or that there are none: --in-memory isn't added then.
bool keeps_files(std::span<const std::string> args);

/// EAL's argument for `workers` lcores beside a main lcore, on CPUs that this process may use: "-l
/// 0-2".
std::string lcores_for_workers(std::size_t workers);

}  // namespace bab::detail
