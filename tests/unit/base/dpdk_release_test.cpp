#include <bab/detail/dpdk/release.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_version.h>

#include <bab/base/error.hpp>

namespace bab::detail {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(DpdkRelease, AbisFitFromOneNovemberToTheNext) {
  EXPECT_EQ(release_mismatch("DPDK 22.11.11", "DPDK 22.11.11"), "");
  EXPECT_EQ(release_mismatch("DPDK 22.11.3", "DPDK 23.07.0"), "");
  EXPECT_EQ(release_mismatch("DPDK 24.07.0", "DPDK 23.11.2"), "");
  EXPECT_NE(release_mismatch("DPDK 23.07.0", "DPDK 23.11.0"), "");
  EXPECT_NE(release_mismatch("DPDK 23.11.0", "DPDK 22.11.11"), "");
  EXPECT_NE(release_mismatch("DPDK 25.11.4", "DPDK 26.11.0-rc1"), "");
}

TEST(DpdkRelease, OtherAbisAreSaidWithTheirNumbersAndAMend) {
  EXPECT_THAT(
      release_mismatch("DPDK 22.11.11", "DPDK 24.11.8"),
      AllOf(HasSubstr("built with DPDK 22.11.11, whose ABI is 23"),
            HasSubstr("runs with DPDK 24.11.8, whose ABI is 25"), HasSubstr("build it again")));
}

TEST(DpdkRelease, WhatIsSpelledOtherwiseIsNotJudged) {
  for (const char* other : {"", "DPDK", "DPDK 24", "DPDK 24.", "DPDK 24-11", "DPDK main"}) {
    EXPECT_EQ(release_mismatch("DPDK 22.11.11", other), "") << other;
    EXPECT_EQ(release_mismatch(other, "DPDK 22.11.11"), "") << other;
  }
}

TEST(DpdkRelease, TheOneThatIsHereIsTheOneBuiltFor) {
  EXPECT_NO_THROW(require_release_built_for("starting EAL"));
  EXPECT_NE(release_mismatch("DPDK 19.11.0", rte_version()), "") << rte_version();
}

}  // namespace
}  // namespace bab::detail
