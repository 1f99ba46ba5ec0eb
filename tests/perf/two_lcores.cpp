#include "two_lcores.hpp"

#include <rte_pause.h>

namespace bench {

unsigned other_lcore() noexcept { return rte_get_next_lcore(rte_lcore_id(), 1, 0); }

double pingpong_ns() {
  constexpr std::uint64_t kTrips = 2000;
  struct alignas(64) {
    std::atomic<std::uint64_t> word{0};
  } line;
  std::uint64_t begin = 0, end = 0;
  on_two_lcores(
      [&] {
        std::uint64_t at = 0;
        const auto trip = [&] {
          line.word.store(++at, std::memory_order_release);
          ++at;
          while (line.word.load(std::memory_order_acquire) != at) {
          }
        };
        for (unsigned i = 0; i < 100; ++i) trip();
        begin = rte_rdtsc();
        for (std::uint64_t i = 0; i < kTrips; ++i) trip();
        end = rte_rdtsc();
      },
      [&](const std::atomic<bool>& stop) {
        std::uint64_t at = 1;
        while (!stop.load(std::memory_order_acquire)) {
          if (line.word.load(std::memory_order_acquire) != at) continue;
          line.word.store(at + 1, std::memory_order_release);
          at += 2;
        }
      });
  return static_cast<double>(end - begin) * 1e9 / static_cast<double>(rte_get_tsc_hz()) /
         (2.0 * kTrips);
}

}  // namespace bench
