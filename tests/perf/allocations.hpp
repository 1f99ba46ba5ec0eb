#pragma once

#include <cstdint>

namespace bench {

/// How often this program has called operator new so far, on all threads.
std::uint64_t allocations() noexcept;

}  // namespace bench
