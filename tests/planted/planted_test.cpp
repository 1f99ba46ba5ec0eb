#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/detail/check.hpp>
#include <bab/detail/sanitizers.hpp>

namespace {

using testing::HasSubstr;

constexpr bool kAsserts = bab::detail::kChecks;
#ifdef BAB_ASAN
constexpr bool kAsan = true;
#else
constexpr bool kAsan = false;
#endif

struct Outcome {
  int status;
  std::string text;
};

Outcome planted(const std::string& bug) {
  const char* program = std::getenv("PLANTED");
  if (program == nullptr) {
    ADD_FAILURE() << "PLANTED must name the program";
    return {};
  }
  std::string command = "'";
  command.append(program).append("' ").append(bug).append(" 2>&1");
  Outcome outcome;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "the program can't be run";
    return {};
  }
  std::array<char, 4096> part;
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe))
    outcome.text.append(part.data(), n);
  outcome.status = pclose(pipe);
  return outcome;
}

/// The assertion `assert(… && "says")` must fail and end the program.
void expect_assert(const std::string& bug, const char* says) {
  if (!kAsserts) GTEST_SKIP() << "a release build has no asserts";
  const Outcome outcome = planted(bug);
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.text, HasSubstr(says));
}

/// AddressSanitizer must end the program because of this kind of access in that function.
void expect_asan(const std::string& bug, const char* access) {
  if (!kAsan) GTEST_SKIP() << "only AddressSanitizer looks at single bytes";
  const Outcome outcome = planted(bug);
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.text, HasSubstr("AddressSanitizer: use-after-poison"));
  EXPECT_THAT(outcome.text, HasSubstr(access));
  EXPECT_THAT(outcome.text, HasSubstr(bug)) << "the stack names the culprit";
}

void expect_leak(const std::string& bug, const char* says) {
  const Outcome outcome = planted(bug);
  EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 1) << outcome.status;
  EXPECT_THAT(outcome.text, HasSubstr(says));
}

TEST(Planted, WithoutABugNothingIsReported) {
  const Outcome outcome = planted("none");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.text, "");
}

TEST(Planted, OverrunOfAReservationByOneByte) {
  expect_asan("overrun_of_a_reservation", "WRITE of size 1");
}
TEST(Planted, OverrunIntoANeighbourByOneByte) {
  expect_assert("overrun_into_a_neighbour", "past the end of its reservation");
}
TEST(Planted, OverrunOfAFrameByOneByte) { expect_asan("overrun_of_a_frame", "WRITE of size 1"); }
TEST(Planted, WriteAfterAbort) { expect_asan("write_after_abort", "WRITE of size 1"); }
TEST(Planted, WriteIntoAHole) { expect_asan("write_into_a_hole", "WRITE of size 1"); }
TEST(Planted, WriteToAReleasedBuffer) {
  expect_asan("write_to_a_released_buffer", "WRITE of size 1");
}
TEST(Planted, WriteToASentFrame) { expect_asan("write_to_a_sent_frame", "WRITE of size 1"); }
TEST(Planted, ReadOfADroppedPacket) { expect_asan("read_of_a_dropped_packet", "READ of size 1"); }
TEST(Planted, ReadOfAReceivedPacket) { expect_asan("read_of_a_received_packet", "READ of size 1"); }

TEST(Planted, DoubleRelease) { expect_assert("double_release", "released twice"); }
TEST(Planted, DoubleReleaseInBulk) { expect_assert("double_release_in_bulk", "released twice"); }

TEST(Planted, LeakedBuffer) { expect_leak("leaked_buffer", "was leaked: 1 shares"); }
TEST(Planted, PacketNeverDropped) { expect_leak("packet_never_dropped", "was leaked: 1 shares"); }

TEST(Planted, PacketClonedOnAForeignLcore) {
  expect_assert("packet_on_a_foreign_lcore", "on an lcore that doesn't own it");
}
TEST(Planted, PacketDroppedOnAForeignLcore) {
  expect_assert("packet_dropped_on_a_foreign_lcore", "on an lcore that doesn't own it");
}
TEST(Planted, PacketSentOnAForeignLcore) {
  expect_assert("packet_sent_on_a_foreign_lcore", "on an lcore that doesn't own it");
}
TEST(Planted, WriterOnASecondLcore) {
  expect_assert("writer_on_a_second_lcore", "LocalWriter was used on a second lcore");
}
TEST(Planted, CommitOnASecondLcore) {
  expect_assert("commit_on_a_second_lcore", "LocalWriter was used on a second lcore");
}
TEST(Planted, ReservationOutlivesItsWriter) {
  expect_assert("reservation_outlives_its_writer", "a Reservation outlives its writer");
}
TEST(Planted, LateReservationOutlivesItsWriter) {
  expect_assert("late_reservation_outlives_its_writer", "a Reservation outlives its writer");
}

}  // namespace
