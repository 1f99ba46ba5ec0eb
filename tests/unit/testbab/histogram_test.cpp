#include "histogram.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "seed.hpp"

namespace testbab {
namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

TEST(Histogram, EmptyIsAllZeros) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.min(), 0U);
  EXPECT_EQ(h.max(), 0U);
  EXPECT_EQ(h.mean(), 0.0);
  EXPECT_EQ(h.percentile(0.5), 0U);
  EXPECT_EQ(h.count_to(kLargest), 0U);
}

TEST(Histogram, OneValueIsEveryPercentile) {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128},
                                    std::uint64_t{1'000'003}, kLargest}) {
    Histogram h;
    h.record(value);
    for (double part : {0.0, 0.001, 0.5, 0.999, 1.0}) EXPECT_EQ(h.percentile(part), value);
    EXPECT_EQ(h.min(), value);
    EXPECT_EQ(h.max(), value);
    EXPECT_EQ(h.mean(), static_cast<double>(value));
  }
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram h;
  for (std::uint64_t v = 1; v <= 100; ++v) h.record(v);
  EXPECT_EQ(h.percentile(0.5), 50U);
  EXPECT_EQ(h.percentile(0.9), 90U);
  EXPECT_EQ(h.percentile(0.99), 99U);
  EXPECT_EQ(h.percentile(0.991), 100U);
  EXPECT_EQ(h.percentile(0), 1U);
  EXPECT_EQ(h.percentile(1), 100U);
  EXPECT_EQ(h.mean(), 50.5);
  EXPECT_EQ(h.count_to(30), 30U);
}

TEST(Histogram, IsAtMostASixtyFourthAboveWhatCameAndNeverBelow) {
  std::mt19937_64 random(bab::test::printed_seed());
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    Histogram h;
    h.record(value);
    // otherwise percentile() is limited to the largest recorded value, which hides the step
    h.record(kLargest);
    const std::uint64_t said = h.percentile(0.5);
    ASSERT_GE(said, value);
    ASSERT_LE(said - value, value / 64) << value;
  }
}

TEST(Histogram, StepsMeetWithoutAGap) {
  for (unsigned bit = 6; bit < 64; ++bit)
    for (const std::uint64_t value :
         {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit, (std::uint64_t{1} << bit) + 1}) {
      Histogram h;
      h.record(value);
      h.record(kLargest);
      const std::uint64_t said = h.percentile(0.5);
      EXPECT_GE(said, value);
      EXPECT_LE(said - value, value / 64);
    }
}

TEST(Histogram, PercentilesAreThoseOfTheSortedValues) {
  std::mt19937_64 random(bab::test::printed_seed());
  std::lognormal_distribution<double> latency(9, 2);
  Histogram h;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latency(random)));
    h.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (double part : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
    const std::uint64_t exact = values[rank - 1];
    EXPECT_GE(h.percentile(part), exact) << part;
    EXPECT_LE(h.percentile(part), exact + exact / 64) << part;
  }
  EXPECT_EQ(h.percentile(1), values.back());
  EXPECT_EQ(h.min(), values.front());
  EXPECT_EQ(h.max(), values.back());
}

TEST(Histogram, MergeIsAsIfOneHadRecordedAll) {
  std::mt19937_64 random(bab::test::printed_seed());
  Histogram one, two, all;
  for (int i = 0; i < 50'000; ++i) {
    const std::uint64_t value = random() >> (20 + random() % 40);
    (i % 3 == 0 ? one : two).record(value);
    all.record(value);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), all.count());
  EXPECT_EQ(one.min(), all.min());
  EXPECT_EQ(one.max(), all.max());
  EXPECT_NEAR(one.mean(), all.mean(), all.mean() * 1e-9);
  for (double part : {0.0, 0.01, 0.5, 0.99, 1.0})
    EXPECT_EQ(one.percentile(part), all.percentile(part));
}

TEST(Histogram, MergingAnEmptyOneChangesNothing) {
  Histogram h;
  h.record(7);
  h.merge(Histogram());
  EXPECT_EQ(h.min(), 7U);
  EXPECT_EQ(h.count(), 1U);
  Histogram empty;
  empty.merge(h);
  EXPECT_EQ(empty.min(), 7U);
  EXPECT_EQ(empty.max(), 7U);
}

TEST(Histogram, CopyMadeWhileItRecordsIsWhole) {
  Histogram h;
  std::atomic<bool> stop{false};
  std::thread recorder([&] {
    for (std::uint64_t v = 1; !stop.load(std::memory_order_relaxed); v = v * 5 % 1'000'003)
      h.record(v);
  });
  std::uint64_t before = 0;
  for (int i = 0; i < 200; ++i) {
    const Histogram copy = h;
    EXPECT_GE(copy.count(), before);
    EXPECT_EQ(copy.count_to(kLargest), copy.count());
    EXPECT_LE(copy.percentile(0.5), 1'000'003U);
    before = copy.count();
  }
  stop.store(true);
  recorder.join();
}

TEST(Histogram, CountsUpToAValue) {
  Histogram h;
  for (std::uint64_t v : {10, 100, 1'000, 10'000, 100'000}) h.record(v);
  EXPECT_EQ(h.count_to(9), 0U);
  EXPECT_EQ(h.count_to(10), 1U);
  EXPECT_EQ(h.count_to(50'000), 4U);
  EXPECT_EQ(h.count_to(100'000), 5U) << "the largest is there to the last tick";
  EXPECT_EQ(h.count_to(kLargest), 5U);
}

}  // namespace
}  // namespace testbab
