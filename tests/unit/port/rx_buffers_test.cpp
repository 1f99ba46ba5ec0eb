#include <bab/port/rx_buffers.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_mbuf.h>

namespace bab {
namespace {

using testing::ElementsAre;

constexpr std::uint32_t kJumboFrame = 9000 + 22;
constexpr RxQueueWord kMute{};
constexpr RxQueueWord kWhole{.known = true};
constexpr RxQueueWord kScattered{.known = true, .scattered = true};

TEST(RxRooms, AreTheNextKibOneMoreAndThePowerOfTwo) {
  EXPECT_THAT(rx_rooms(1522), ElementsAre(128 + 2048));
  EXPECT_THAT(rx_rooms(kJumboFrame), ElementsAre(128 + 9216, 128 + 10'240, 128 + 16'384));
  EXPECT_THAT(rx_rooms(90), ElementsAre(128 + 2048));
}

TEST(RxRooms, HaveRoomForWhatDriversAdd) {
  EXPECT_THAT(rx_rooms(9216 - 15), ElementsAre(128 + 10'240, 128 + 11'264, 128 + 16'384));
  EXPECT_THAT(rx_rooms(9216 - 16).front(), 128 + 9216);
}

TEST(RxRooms, AreNoLargerThanAnMbufCanBe) {
  EXPECT_THAT(rx_rooms(65'535 - 128), ElementsAre(65'535));
  EXPECT_THAT(rx_rooms(33'000), ElementsAre(128 + 33'792));
}

TEST(RxRooms, KeepToWhatTheDeviceUses) {
  EXPECT_THAT(rx_rooms(kJumboFrame, 4096), ElementsAre(128 + 4096));
  EXPECT_THAT(rx_rooms(1522, 4096), ElementsAre(128 + 2048));
}

TEST(JudgeSplit, BySizeAlone) {
  EXPECT_EQ(judge_split(kJumboFrame, 2048, kMute), FrameSplit::kSplit);
  EXPECT_EQ(judge_split(kJumboFrame, kJumboFrame - 1, kWhole), FrameSplit::kSplit);
  EXPECT_EQ(judge_split(kJumboFrame, 9216, kMute), FrameSplit::kUnknown);
  EXPECT_EQ(judge_split(kJumboFrame, 16'384, kMute), FrameSplit::kWhole)
      << "whatever it rounds down to";
}

TEST(JudgeSplit, ByWhatTheDriverSays) {
  EXPECT_EQ(judge_split(kJumboFrame, 9216, kWhole), FrameSplit::kWhole);
  EXPECT_EQ(judge_split(kJumboFrame, 9216, kScattered), FrameSplit::kPossible);
  EXPECT_EQ(judge_split(kJumboFrame, 16'384, kScattered), FrameSplit::kWhole)
      << "it says only that its function can";
}

TEST(JudgeSplit, BytesThatTheDriverSaysDecide) {
  RxQueueWord word = kScattered;
  word.bytes = 8192;
  EXPECT_EQ(judge_split(kJumboFrame, 16'384, word), FrameSplit::kSplit);
  word.bytes = 9088;
  EXPECT_EQ(judge_split(kJumboFrame, 9216, word), FrameSplit::kWhole);
}

TEST(JudgeSplit, TheDevicesLimitDecides) {
  EXPECT_EQ(judge_split(kJumboFrame, 16'384, kMute, 4096), FrameSplit::kSplit);
  EXPECT_EQ(judge_split(1522, 16'384, kMute, 4096), FrameSplit::kWhole);
}

}  // namespace
}  // namespace bab
