#include "../../../src/memory/address_reach.hpp"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>

namespace bab {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::uintptr_t kEnd = std::uintptr_t{1} << 48;

std::string error_of(std::uintptr_t address, std::size_t len) {
  try {
    detail::check_reach("high", address, len);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(AddressReach, MemoryUpToTheLastAddressIsFine) {
  EXPECT_EQ(error_of(0x7f00'0000'0000, 2 << 20), "no error");
  EXPECT_EQ(error_of(kEnd - 4096, 4096), "no error");
  EXPECT_EQ(error_of(kEnd, 0), "no error");
}

TEST(AddressReach, MemoryPastItIsRefusedWithWhatMendsIt) {
  EXPECT_THAT(error_of(kEnd - 4096, 4097),
              AllOf(HasSubstr("pool high"), HasSubstr("4097 bytes"), HasSubstr("0xfffffffff000"),
                    HasSubstr("48 bits"), HasSubstr("--base-virtaddr below 0x1000000000000")));
  EXPECT_THAT(error_of(kEnd, 1), HasSubstr("48 bits"));
  EXPECT_THAT(error_of(kEnd + 4096, 0), HasSubstr("48 bits"));
  EXPECT_THAT(error_of(kEnd * 256 - 4096, 4096), HasSubstr("48 bits"));
  EXPECT_THAT(error_of(UINTPTR_MAX, 2), HasSubstr("48 bits")) << "where the sum would be 1";
}

}  // namespace
}  // namespace bab
