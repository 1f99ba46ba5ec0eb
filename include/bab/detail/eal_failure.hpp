#pragma once

#include <string>

namespace bab::detail {

/// Why rte_eal_init failed and what mends it, in one sentence, from what it printed.
std::string explain_eal_failure(const std::string& log);

/// Why a --vdev didn't become a port, from what its driver printed; empty when it printed nothing.
std::string explain_device_failure(const std::string& log);

}  // namespace bab::detail
