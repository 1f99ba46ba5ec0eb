#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bench {

/// What the figures belong to: CPU, kernel, compiler, flags, DPDK, commit, pages, scheduling.
using Machine = std::vector<std::pair<std::string, std::string>>;

Machine describe_machine(const std::string& commit);

/// Real-time priority for the calling thread where that is allowed, else a better nice value where
/// that is; says which.
std::string prefer_this_thread();

}  // namespace bench
