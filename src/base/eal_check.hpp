#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bab::detail {

/// Throws Error for EAL arguments that EAL itself would answer with its usage on standard output
/// or, since DPDK 25.11, by ending the process: unknown names, missing values, values of a wrong
/// form (where that is known here), pairs that exclude each other.
void check_eal_args(std::span<const std::string> args);

/// Throws Error for a start that would end in EAL's panic: lcores without a CPU that this process
/// may use, or more threads than it may have. Starts as many threads as EAL will, and ends them.
void check_eal_limits(std::span<const std::string> args);

/// What the option takes, if EAL refuses `value`. Empty: EAL takes the value, or this is not known
/// here. `option`: its name in EAL's list, "-n" if it has only a letter.
std::string_view wrong_value(std::string_view option, std::string_view value);

/// For -l and -S, where EAL reads "1-0" as no core at all: the same ranges the other way round, if
/// `value` has no other core; else empty.
std::string range_upwards(std::string_view option, std::string_view value);

}  // namespace bab::detail
