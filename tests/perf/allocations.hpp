#pragma once

#include <cstdint>

namespace bench {

/// The number of calls of operator new in this program so far, on all threads.
std::uint64_t allocations() noexcept;

}  // namespace bench
