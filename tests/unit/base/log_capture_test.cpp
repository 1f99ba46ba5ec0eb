#include <bab/detail/log_capture.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_debug.h>
#include <rte_log.h>

namespace bab {
namespace {

using testing::HasSubstr;

TEST(LogCapture, KeepsWhatIsLoggedAndPrintsNothing) {
  testing::internal::CaptureStderr();
  LogCapture log;
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "a driver's own words\n");
  EXPECT_THAT(log.text(), HasSubstr("a driver's own words"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LogCaptureDeathTest, APanicsTextIsShown) {
  EXPECT_DEATH(
      {
        LogCapture log;
        const LogCapture::Redirect redirect(log);
        rte_panic("a tailq is already registered\n");
      },
      "a tailq is already registered");
  EXPECT_DEATH(
      {
        LogCapture log;
        rte_panic("long after the start\n");
      },
      "long after the start");
}

}  // namespace
}  // namespace bab
