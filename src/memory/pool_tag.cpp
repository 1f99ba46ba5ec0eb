#include <bab/detail/pool_tag.hpp>

#include <sys/random.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace bab::detail {
namespace {

std::uint64_t choose() noexcept {
  std::uint64_t n = 0;
  if (getrandom(&n, sizeof n, GRND_NONBLOCK) == sizeof n && n != 0) return n;
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return reinterpret_cast<std::uintptr_t>(&n) ^ static_cast<std::uint64_t>(getpid()) << 40 ^
         static_cast<std::uint64_t>(now.tv_nsec) ^ 1;
}

}  // namespace

LibraryInstance::LibraryInstance() noexcept : id(choose()) {}

// Initialised before the globals of a program that links the library statically: one of them may be
// a pool.
[[gnu::init_priority(110)]] const LibraryInstance library_instance;

}  // namespace bab::detail
