#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace bab::test {

/// A new seed for a randomised test, which is printed. The environment variable BAB_SEED repeats a
/// run.
inline std::uint64_t printed_seed() {
  const char* given = std::getenv("BAB_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  std::printf("BAB_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace bab::test
