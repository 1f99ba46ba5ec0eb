#include <bab/message/shared_writer.hpp>

#include <cstring>
#include <iterator>
#include <list>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared_bench.hpp"

namespace bab {
namespace {

using test::put;
using test::reserve;
using Bench = test::SharedBench;
using testing::ElementsAre;

TEST(SharedWriter, PacksMessagesOfAllProducersInOrderOfReserve) {
  Bench b;
  EXPECT_TRUE(put(b[0], "one"));
  EXPECT_TRUE(put(b[1], "two"));
  EXPECT_TRUE(put(b[0], ""));
  EXPECT_THAT(b.flushed(), ElementsAre("one", "two", ""));
  EXPECT_EQ(b.sink.all.size(), 1U);
}

TEST(SharedWriter, C03_AThreadWithoutAnLcoreIdIsRefusedInAFrameThatOthersOpenedToo) {
  Bench b;
  EXPECT_TRUE(put(b[0], "opens"));
  std::thread([&] {
    auto room = b[1].reserve(4);
    EXPECT_FALSE(room);
    EXPECT_EQ(room.failure(), ReserveFailure::kNoLcore);
    EXPECT_FALSE(room.commit_packet());
  }).join();
  EXPECT_TRUE(put(b[0], "and goes on"));
  EXPECT_THAT(b.flushed(), ElementsAre("opens", "and goes on"));
}

TEST(SharedWriter, CommitsInAnyOrderAndAcrossFrames) {
  Bench b(8, 10);
  auto first = reserve(b[0], "aaaaa");
  auto second = reserve(b[1], "bbbbb");
  auto third = reserve(b[0], "ccccc");
  third.commit();
  second.commit();
  EXPECT_TRUE(b.flushed().empty());
  first.commit();
  EXPECT_THAT(b.flushed(), ElementsAre("aaaaa", "bbbbb", "ccccc"));
}

TEST(SharedWriter, FlushPublishesWhatOthersCommittedToo) {
  Bench b;
  put(b[1], "mine");
  b[0].flush();
  b.poll();
  EXPECT_THAT(b.sink.messages(), ElementsAre("mine"));
}

TEST(SharedWriter, AbortedAndShorterMessagesLeaveNoTrace) {
  Bench b;
  put(b[0], "first");
  auto gone = reserve(b[1], "aborted");
  auto one = reserve(b[0], "longer");
  auto many = reserve(b[1], "much longer");
  put(b[0], "last");
  gone.abort();
  EXPECT_TRUE(one.commit(5));
  EXPECT_TRUE(many.commit(4));
  EXPECT_THAT(b.flushed(), ElementsAre("first", "longe", "much", "last"));
}

TEST(SharedWriter, AnEmptyFrameGivesUpItsPlaceAndIsNotSent) {
  Bench b(8, 10);
  auto gone = reserve(b[0], "aaaaaaaa");
  put(b[1], "bbbbbbbb");
  b[1].flush();
  gone.abort();
  EXPECT_THAT(b.flushed(), ElementsAre("bbbbbbbb"));
  EXPECT_EQ(b.sink.all.size(), 1U);
}

TEST(SharedWriter, PacketsStayWhereTheyAreWhenHolesAreClosed) {
  Bench b;
  auto gone = reserve(b[0], "xxxx");
  auto kept = reserve(b[1], "kept");
  Packet packet = kept.commit_packet();
  const std::uint8_t* at = packet.data();
  gone.abort();
  EXPECT_THAT(b.flushed(), ElementsAre("kept"));
  EXPECT_EQ(packet.data(), at);
  EXPECT_EQ(std::memcmp(at, "kept", 4), 0);
}

TEST(SharedWriter, TellsWhyThereIsNoRoom) {
  Bench b(2, 10);
  EXPECT_EQ(b[0].reserve(9).failure(), ReserveFailure::kTooLong);
  EXPECT_EQ(b[0].reserve(UINT32_MAX).failure(), ReserveFailure::kTooLong);
  put(b[0], "12345678");
  EXPECT_EQ(b[1].reserve(8).failure(), ReserveFailure::kNoBuffer);
  b.flushed();
  EXPECT_TRUE(put(b[1], "more"));
}

TEST(SharedWriter, AStarvedReserveIsTakenUpByAnyProducer) {
  Bench b(2, 10);
  put(b[0], "12345678");
  EXPECT_FALSE(put(b[0], "x"));
  EXPECT_FALSE(put(b[1], "y"));
  b.poll();
  for (auto& p : b.producers) p->poll(0);
  b.poll();
  EXPECT_TRUE(put(b[1], "y"));
  EXPECT_TRUE(put(b[0], "x"));
  EXPECT_THAT(b.flushed(), ElementsAre("12345678", "y", "x"));
}

TEST(SharedWriter, KeepsTheDeadlineWhoeverPolls) {
  Bench b(8, 64, {.max_delay_tsc = 100});
  put(b[0], "early");
  b[1].poll(1000);
  b[0].poll(1099);
  b.poll();
  EXPECT_TRUE(b.sink.messages().empty());
  b[1].poll(1100);
  b[1].poll(1101);
  b.poll();
  EXPECT_THAT(b.sink.messages(), ElementsAre("early"));
}

TEST(SharedWriter, ClosesAtNMessages) {
  Bench b(8, 64, {.max_messages = 2});
  for (const char* t : {"a", "b", "c", "d", "e"}) put(b[0], t);
  b[0].poll(1);
  b.poll();
  EXPECT_EQ(b.sink.all.size(), 2U);
  b.flushed();
}

TEST(SharedWriter, RandomOperationsKeepEveryProducersOrder) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 engine(seed);
    const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
    Bench b(6 + seed % 8, 12 + seed % 60, {}, 3);
    struct Open {
      SharedWriter::Producer::Reservation r;
      std::string text;
    };
    std::list<Open> open;
    // in order of reservation; "" for each message that wasn't published
    std::vector<std::string> reserved;
    std::map<std::string, bool> published;
    std::vector<std::pair<Packet, std::string>> packets;
    int next = 0;
    const auto settle = [&] {
      const auto at = std::next(open.begin(), random() % open.size());
      Open o = std::move(*at);
      open.erase(at);
      switch (random() % 4) {
        case 0:
          o.r.abort();
          break;
        case 1:
          packets.emplace_back(o.r.commit_packet(), o.text);
          published[o.text] = true;
          break;
        default:
          o.r.commit();
          published[o.text] = true;
      }
    };
    for (int step = 0; step < 400; ++step) {
      if (random() % 2 == 0) {
        const std::string text = std::to_string(next) + std::string(random() % 6, 'x');
        auto r = reserve(b[random() % 3], text);
        if (!r) {
          packets.clear();
        } else {
          ++next;
          reserved.push_back(text);
          open.push_back({std::move(r), text});
        }
      } else if (!open.empty()) {
        settle();
      }
      if (random() % 16 == 0) b[random() % 3].flush();
      if (random() % 4 == 0) b[random() % 3].poll(0);
      if (random() % 3 == 0) (void)b.flusher->poll();
      for (const auto& [p, text] : packets)
        ASSERT_EQ(std::memcmp(p.data(), text.data(), text.size()), 0);
    }
    while (!open.empty()) settle();
    std::vector<std::string> wanted;
    for (const std::string& text : reserved)
      if (published.contains(text)) wanted.push_back(text);
    ASSERT_EQ(b.flushed(), wanted);
  }
}

}  // namespace
}  // namespace bab
