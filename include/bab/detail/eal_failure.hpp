#pragma once

#include <span>
#include <string>

namespace bab::detail {

/// Why rte_eal_init failed with `args` and what mends it, in one sentence: from what it printed, or what the
/// doctor finds about that.
std::string explain_eal_failure(const std::string& log, std::span<const std::string> args = {});

/// Why a --vdev didn't become a port, from what its driver printed; empty when it printed nothing.
std::string explain_device_failure(const std::string& log);

}  // namespace bab::detail
