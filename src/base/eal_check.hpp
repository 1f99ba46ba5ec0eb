#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bab::detail {

/// Refuses EAL arguments that EAL would refuse with its usage on standard output or, since
/// DPDK 25.11, by ending the process: names, missing values, values of a known form, pairs that
/// exclude each other. Throws Error.
void check_eal_args(std::span<const std::string> args);

/// Refuses a start that would end in EAL's panic: CPUs that this process may not use, more threads
/// than it may have. Throws Error. Starts as many threads as EAL will, and ends them.
void check_eal_limits(std::span<const std::string> args);

/// EAL itself refuses `value` of the option (its name as in EAL's list, "-n" where it has a letter
/// alone): what it takes; empty: it doesn't, or that isn't known here.
std::string_view wrong_value(std::string_view option, std::string_view value);

/// For -l and -S, which take "1-0" for no core at all: the same the other way round, where there is
/// no other core in it; else empty.
std::string range_upwards(std::string_view option, std::string_view value);

}  // namespace bab::detail
