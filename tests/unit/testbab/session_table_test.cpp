#include "session_table.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include <bab/wire/moldudp64.hpp>

#include "seed.hpp"

namespace testbab {
namespace {

bab::wire::Session nth_session(unsigned i) {
  return bab::wire::make_session("S" + std::to_string(i));
}

TEST(SessionTable, FindsEachSessionAgain) {
  SessionTable<unsigned, 4096> table;
  for (unsigned i = 0; i < 4096; ++i) {
    const auto [value, is_new] = table.get(nth_session(i));
    ASSERT_NE(value, nullptr);
    EXPECT_TRUE(is_new);
    EXPECT_EQ(*value, 0U);
    *value = i;
  }
  for (unsigned i = 0; i < 4096; ++i) {
    const auto [value, is_new] = table.get(nth_session(i));
    EXPECT_FALSE(is_new);
    EXPECT_EQ(*value, i);
  }
  EXPECT_EQ(table.size(), 4096U);
  unsigned next = 0;
  for (unsigned value : table) EXPECT_EQ(value, next++);
}

TEST(SessionTable, HasNoMoreThanItsCapacity) {
  SessionTable<unsigned, 4> table;
  for (unsigned i = 0; i < 4; ++i) *table.get(nth_session(i)).value = i;
  EXPECT_EQ(table.get(nth_session(4)).value, nullptr);
  EXPECT_FALSE(table.get(nth_session(4)).is_new);
  EXPECT_EQ(*table.get(nth_session(3)).value, 3U);
  EXPECT_EQ(table.size(), 4U);
}

/// Names that differ in one bit, or only in their last bytes.
TEST(SessionTable, TellsSessionsApartThatAreNearlyTheSame) {
  SessionTable<std::string, 1024> table;
  std::mt19937_64 random(bab::test::printed_seed());
  std::map<bab::wire::Session, std::string> expected;
  for (unsigned i = 0; i < 1000; ++i) {
    bab::wire::Session session{};
    session[random() % session.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    session[8 + random() % 2] ^= static_cast<std::uint8_t>(random());
    *table.get(session).value = expected[session] = std::to_string(i);
  }
  EXPECT_EQ(table.size(), expected.size());
  for (const auto& [session, text] : expected) EXPECT_EQ(*table.get(session).value, text);
}

}  // namespace
}  // namespace testbab
