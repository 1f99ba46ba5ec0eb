#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bab::detail {

/// How many threads EAL needs with these arguments, beside the calling one. `lcores` includes the
/// main lcore.
std::size_t eal_threads(std::span<const std::string> args, std::size_t lcores);

/// How many of `wanted` more threads can be started now. All of them have ended when it returns.
std::size_t threads_that_start(std::size_t wanted);

/// CPUs that a thread of this process may be put on: those of its cpuset, whatever the caller's
/// affinity.
std::vector<unsigned> usable_cpus();

/// CPUs of the calling thread's affinity.
std::vector<unsigned> own_cpus();

}  // namespace bab::detail
