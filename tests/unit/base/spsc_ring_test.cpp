#include <bab/base/spsc_ring.hpp>

#include <array>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>

namespace bab {
namespace {

/// Pointers to n integers in `storage`.
std::vector<int*> pointers(std::vector<int>& storage, int n) {
  storage.resize(static_cast<std::size_t>(n));
  std::vector<int*> out;
  for (int& i : storage) out.push_back(&i);
  return out;
}

TEST(SpscRing, HoldsItsCapacity) {
  std::vector<int> storage;
  for (std::uint32_t capacity : {1U, 2U, 3U, 4U, 7U, 8U, 100U}) {
    SpscRing<int> ring(capacity);
    EXPECT_GE(ring.capacity(), capacity);
    const std::vector<int*> items = pointers(storage, static_cast<int>(capacity));
    EXPECT_EQ(ring.push(items), capacity);
    EXPECT_EQ(ring.size(), capacity);
  }
}

TEST(SpscRing, TakesAsManyAsFit) {
  std::vector<int> storage;
  SpscRing<int> ring(4);
  const std::vector<int*> items = pointers(storage, 10);
  EXPECT_EQ(ring.push(std::span(items).first(3)), 3U);
  EXPECT_EQ(ring.push(std::span(items).subspan(3)), ring.capacity() - 3);
  EXPECT_EQ(ring.push(items), 0U);
}

TEST(SpscRing, GivesInOrderAndNoMoreThanThereAre) {
  std::vector<int> storage;
  SpscRing<int> ring(8);
  const std::vector<int*> items = pointers(storage, 5);
  ASSERT_EQ(ring.push(items), 5U);
  std::array<int*, 8> out{};
  EXPECT_EQ(ring.pop(std::span(out).first(2)), 2U);
  EXPECT_EQ(ring.pop(std::span(out).subspan(2)), 3U);
  EXPECT_TRUE(std::equal(items.begin(), items.end(), out.begin()));
  EXPECT_EQ(ring.pop(out), 0U);
  EXPECT_EQ(ring.size(), 0U);
}

TEST(SpscRing, TakesAndGivesNothing) {
  SpscRing<int> ring(2);
  EXPECT_EQ(ring.push({}), 0U);
  EXPECT_EQ(ring.pop({}), 0U);
}

TEST(SpscRing, GoesRoundManyTimes) {
  std::vector<int> storage;
  SpscRing<int> ring(3);
  const std::vector<int*> items = pointers(storage, 2);
  for (int i = 0; i < 1000; ++i) {
    std::array<int*, 2> out{};
    ASSERT_EQ(ring.push(items), 2U);
    ASSERT_EQ(ring.pop(out), 2U);
    ASSERT_EQ(out[0], items[0]);
    ASSERT_EQ(out[1], items[1]);
  }
}

TEST(SpscRing, MovesWithWhatItHolds) {
  int one = 1;
  SpscRing<int> from(2);
  int* item = &one;
  ASSERT_EQ(from.push(std::span(&item, 1)), 1U);
  SpscRing<int> to(std::move(from));
  EXPECT_EQ(to.size(), 1U);
}

TEST(SpscRing, NameIsFreeAgainAndNoOther) {
  EXPECT_STRNE(SpscRing<int>(2).raw()->name, SpscRing<int>(2).raw()->name);
  for (int i = 0; i < 100; ++i) SpscRing<int> ring(1024);
}

TEST(SpscRing, SaysThatThereIsNoMemory) {
  try {
    SpscRing<int> ring(1U << 28);
    FAIL() << "2 GiB out of 128 MiB";
  } catch (const Error& e) {
    EXPECT_EQ(
        std::string(e.what()),
        "creating a ring for 268435456 items of 8 bytes: Cannot allocate memory; give more memory "
        "(EAL's -m or --socket-mem) or use fewer buffers");
  }
}

TEST(SpscRing, RefusesMoreThanARingCanEverHold) {
  EXPECT_THROW(SpscRing<int>(0xffffffff), Error);
  EXPECT_THROW(SpscRing<int>(0x80000000), Error);
}

TEST(SpscRing, CarriesWhatWasWrittenBefore) {
  constexpr int kItems = 100'000;
  SpscRing<int> ring(64);
  std::vector<int> storage(kItems, 0);
  std::thread producer([&] {
    for (int i = 0; i < kItems;) {
      storage[static_cast<std::size_t>(i)] = i + 1;
      int* item = &storage[static_cast<std::size_t>(i)];
      if (ring.push(std::span(&item, 1)) == 1)
        ++i;
      else
        std::this_thread::yield();
    }
  });
  int wrong = 0;
  for (int expected = 1; expected <= kItems;) {
    std::array<int*, 8> out;
    const unsigned n = ring.pop(out);
    for (unsigned i = 0; i < n; ++i) wrong += *out[i] != expected++;
    if (n == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace bab
