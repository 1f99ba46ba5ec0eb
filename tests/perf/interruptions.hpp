#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace bench {

/// The number of involuntary context switches of the calling thread so far.
inline std::uint64_t interruptions_of_thread() noexcept {
  rusage usage{};
  (void)getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nivcsw);
}

}  // namespace bench
