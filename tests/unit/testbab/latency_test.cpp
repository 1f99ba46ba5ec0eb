#include "latency.hpp"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using testing::HasSubstr;

constexpr double kHz = 2e9;  // two cycles per nanosecond

TEST(Latency, NothingCameBack) {
  const Latency l = latency_of(Histogram(), kHz);
  EXPECT_EQ(l.count, 0U);
  EXPECT_EQ(l.max_ns, 0U);
  EXPECT_TRUE(l.bars.empty());
  EXPECT_EQ(latency_text(l), "  round trips: 0; late 0, lost 0, given up 0\n");
}

TEST(Latency, IsInNanoseconds) {
  Histogram h;
  for (std::uint64_t ns = 1; ns <= 1000; ++ns) h.record(2 * ns * 1000);
  const Latency l = latency_of(h, kHz);
  EXPECT_EQ(l.count, 1000U);
  EXPECT_EQ(l.min_ns, 1'000U);
  EXPECT_EQ(l.max_ns, 1'000'000U);
  EXPECT_EQ(l.mean_ns, 500'500U);
  EXPECT_NEAR(static_cast<double>(l.p50_ns), 500e3, 500e3 / 64);
  EXPECT_NEAR(static_cast<double>(l.p90_ns), 900e3, 900e3 / 64);
  EXPECT_NEAR(static_cast<double>(l.p99_ns), 990e3, 990e3 / 64);
  EXPECT_NEAR(static_cast<double>(l.p999_ns), 999e3, 999e3 / 64);
}

TEST(Latency, BarsHaveEveryValueOnce) {
  Histogram h;
  std::uint64_t value = 3;
  for (int i = 0; i < 60; ++i, value = value * 3 / 2 + 1) h.record(value);
  const Latency l = latency_of(h, kHz);
  const std::uint64_t sum =
      std::accumulate(l.bars.begin(), l.bars.end(), std::uint64_t{0},
                      [](std::uint64_t s, const Latency::Bar& bar) { return s + bar.count; });
  EXPECT_EQ(sum, 60U);
  for (std::size_t i = 1; i < l.bars.size(); ++i)
    EXPECT_GT(l.bars[i].upto_ns, l.bars[i - 1].upto_ns);
  EXPECT_GT(l.bars.front().count, 0U);
  EXPECT_GT(l.bars.back().count, 0U);
}

TEST(Latency, BarsBetweenTwoHeapsAreShown) {
  Histogram h;
  h.record(2 * 900);     // 900 ns
  h.record(2 * 15'000);  // 15 µs
  const Latency l = latency_of(h, kHz);
  ASSERT_EQ(l.bars.size(), 5U);
  EXPECT_EQ(l.bars[0].upto_ns, 1'000U);
  EXPECT_EQ(l.bars[1].upto_ns, 2'000U);
  EXPECT_EQ(l.bars[1].count, 0U);
  EXPECT_EQ(l.bars[4].upto_ns, 20'000U);
}

TEST(Latency, TextHasPercentilesAndAPlot) {
  Histogram h;
  for (int i = 0; i < 80; ++i) h.record(2 * 1'500);
  for (int i = 0; i < 20; ++i) h.record(2 * 30'000'000);
  Latency l = latency_of(h, kHz);
  l.lost = 3;
  const std::string text = latency_text(l);
  EXPECT_THAT(text, HasSubstr("round trips: 100; late 0, lost 3, given up 0\n"));
  EXPECT_THAT(text, HasSubstr("p50 1.5"));
  EXPECT_THAT(text, HasSubstr("max 30.0 ms"));
  EXPECT_THAT(text, HasSubstr("########################################        80 (80 %)\n"));
  EXPECT_THAT(text, HasSubstr(" ##########                                      20 (20 %)\n"));
}

TEST(Latency, DurationsHaveThreeDigits) {
  EXPECT_EQ(duration_text(0), "0 ns");
  EXPECT_EQ(duration_text(853), "853 ns");
  EXPECT_EQ(duration_text(1'234), "1.23 µs");
  EXPECT_EQ(duration_text(12'345), "12.3 µs");
  EXPECT_EQ(duration_text(999'900), "1.00 ms");
  EXPECT_EQ(duration_text(123'456'000), "123 ms");
  EXPECT_EQ(duration_text(12.5e9), "12.5 s");
  EXPECT_EQ(duration_text(5e12), "5000 s");
}

}  // namespace
}  // namespace testbab
