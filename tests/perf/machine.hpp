#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Describes the machine and the build that the figures are from: CPU, kernel, compiler, flags,
/// DPDK, commit, pages, scheduling.
using Machine = std::vector<std::pair<std::string, std::string>>;

Machine describe_machine(const std::string& commit);

/// Gives the calling thread real-time priority, or else a nice value of -20, if this process may.
/// Says which.
std::string prefer_this_thread();

}  // namespace bench
