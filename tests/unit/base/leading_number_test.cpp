#include "../../../src/base/leading_number.hpp"

#include <gtest/gtest.h>

namespace bab::detail {
namespace {

TEST(LeadingNumber, IsWhatATextBeginsWith) {
  EXPECT_EQ(leading_number("2048kB"), 2048U);
  EXPECT_EQ(leading_number("512,0"), 512U);
  EXPECT_EQ(leading_number("1fffg", 16), 0x1fffU);
  EXPECT_EQ(leading_number("18446744073709551615"), UINT64_MAX);
}

TEST(LeadingNumber, IsNoneWhereATextBeginsOtherwiseOrWithTooMuch) {
  for (const char* text : {"", " 1", "-1", "+1", "x", "18446744073709551616"})
    EXPECT_EQ(leading_number(text), std::nullopt) << text;
}

}  // namespace
}  // namespace bab::detail
