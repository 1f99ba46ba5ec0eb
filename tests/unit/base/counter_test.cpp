#include <bab/base/counter.hpp>

#include <thread>

#include <gtest/gtest.h>

namespace bab {
namespace {

TEST(Counter, BeginsAtZeroAndCounts) {
  Counter counter;
  EXPECT_EQ(counter, 0U);
  counter += 3;
  counter += 0;
  EXPECT_EQ(counter += 2, 5U);
  const Counter copy = counter;
  counter = 0;
  EXPECT_EQ(counter, 0U);
  EXPECT_EQ(copy, 5U);
  counter = copy;
  EXPECT_EQ(counter, 5U);
  EXPECT_EQ(counter -= 4, 1U);
}

/// In builds with ThreadSanitizer, a data race fails this test, too.
TEST(Counter, MayBeReadWhileItCounts) {
  Counter counter;
  constexpr std::uint64_t kEnd = 200'000;
  std::thread counts([&] {
    for (std::uint64_t n = 0; n < kEnd; ++n) counter += 1;
  });
  for (std::uint64_t last = 0, now = 0; now < kEnd; last = now) {
    now = counter;
    ASSERT_GE(now, last);
    ASSERT_LE(now, kEnd);
  }
  counts.join();
}

}  // namespace
}  // namespace bab
