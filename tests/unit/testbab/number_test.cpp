#include "number.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>

namespace testbab {
namespace {

using testing::ThrowsMessage;

TEST(Number, IsTheWholeTextWithinItsBounds) {
  EXPECT_EQ(whole_number("68", 68, 65'385), 68U);
  EXPECT_EQ(whole_number("18446744073709551615", 0, UINT64_MAX), UINT64_MAX);
  for (const char* text :
       {"", "67", "65386", "68 ", " 68", "+68", "-68", "0x44", "68.0", "18446744073709551616"})
    EXPECT_THROW(whole_number(text, 68, 65'385), std::invalid_argument) << text;
}

TEST(Number, SaysWhatIsExpected) {
  EXPECT_THAT([] { whole_number("x", 1, 9); },
              ThrowsMessage<std::invalid_argument>("\"x\" is not a whole number from 1 to 9"));
  EXPECT_THAT([] { command_number("x", "wait", 1, 9); },
              ThrowsMessage<bab::Error>("wait: \"x\" is not a whole number from 1 to 9"));
}

}  // namespace
}  // namespace testbab
