/// Writers, rings and flushers that are replaced one at a time.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>

#include "shared_bench.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::KeepSink;
using test::put;
using test::reserve;
using test::small_frames;
using testing::ElementsAre;
using testing::HasSubstr;

using KeepFlusher = WriteFlusher<KeepSink>;

/// A local writer, or a shared writer with a Producer, on a ring that lives longer.
struct LocalKind {
  LocalKind(BufferPool& pool, FrameRing& ring, const WriterOptions& options)
      : writer(pool, ring, options) {}
  LocalWriter writer;
};
struct SharedKind {
  SharedKind(BufferPool& pool, FrameRing& ring, const WriterOptions& options)
      : shared(pool, options), writer(shared, ring) {}
  SharedWriter shared;
  SharedWriter::Producer writer;
};

template <class Kind>
struct Replacement : testing::Test {
  /// Sends one message in a frame of its own.
  void send(const std::string& text) {
    put(kind_->writer, text);
    kind_->writer.flush();
  }
  void begin_flusher() {
    flusher_.reset();
    flusher_.emplace(sink, wire::FrameHeader({}));
    flusher_->add(ring_);
  }
  void begin_writer(const WriterOptions& options = small_frames(64)) {
    kind_.reset();
    kind_.emplace(pool_, ring_, options);
  }
  void poll() {
    while (flusher_->poll() > 0) {
    }
  }
  /// The result of a task that awaits a flush, if the wait ends.
  std::optional<Flushed> flushed() {
    Lcore lcore;
    std::optional<Flushed> result;
    lcore.spawn([&]() -> Task<> { result = co_await flush_wait(kind_->writer); });
    for (std::uint64_t t = 1; t < 6; ++t) {
      lcore.turn(t);
      poll();
    }
    const std::optional<Flushed> before_stop = result;
    lcore.request_stop();
    for (std::uint64_t t = 6; t < 9; ++t) lcore.turn(t);
    return before_stop;
  }

  FullPool pool_{16};
  FrameRing ring_{16};
  KeepSink sink;
  std::optional<KeepFlusher> flusher_;
  std::optional<Kind> kind_;
};
using ReplacedKinds = testing::Types<LocalKind, SharedKind>;
TYPED_TEST_SUITE(Replacement, ReplacedKinds);

TYPED_TEST(Replacement, C05_ANewFlusherTakesOver) {
  this->begin_writer();
  std::vector<std::string> wanted;
  for (int round = 0; round < 20; ++round) {
    this->begin_flusher();
    for (const char* text : {"a", "b", "c"}) {
      this->send(text + std::to_string(round));
      wanted.push_back(text + std::to_string(round));
      this->poll();
    }
    EXPECT_TRUE(this->flusher_->idle());
  }
  EXPECT_EQ(this->sink.messages(), wanted);
}

TYPED_TEST(Replacement, C05_ANewFlusherTakesOverWhatWasDroppedAndWhatWasNotComplete) {
  this->begin_writer(small_frames(10));
  this->begin_flusher();
  this->sink.room = 0;
  this->send("pending1");
  this->flusher_->poll();
  auto slow = reserve(this->kind_->writer, "slow....");
  this->send("behind..");
  this->flusher_->poll();
  this->begin_flusher();  // drops the frames that the previous flusher had in order
  this->sink.room = 99;
  this->poll();
  EXPECT_THAT(this->sink.messages(), ElementsAre());
  slow.commit();
  this->send("after...");
  this->poll();
  EXPECT_THAT(this->sink.messages(), ElementsAre("slow....", "behind..", "after..."));
  EXPECT_EQ(this->flusher_->stats().dropped_messages, 0U);
}

TYPED_TEST(Replacement, C05c_ANewWriterOnALivingFlusher) {
  this->begin_flusher();
  std::vector<std::string> wanted;
  for (int session = 0; session < 50; ++session) {
    this->begin_writer();
    for (int i = 0; i < 3; ++i) {
      wanted.push_back(std::to_string(session * 3 + i));
      this->send(wanted.back());
    }
    if (session % 2 == 0) this->poll();  // if not polled, its frames meet those of the next session
  }
  this->poll();
  EXPECT_EQ(this->sink.messages(), wanted);
  EXPECT_EQ(this->flusher_->drops()[Drop::kTxFull], 0U);
  EXPECT_TRUE(this->flusher_->idle());
}

TYPED_TEST(Replacement, C05c_ANewSessionWithOtherHeaders) {
  wire::FrameHeaderOptions options;
  options.vlan_id = 5;
  const wire::FrameHeader tagged(options);
  unsigned seen = 0;
  auto count = [&seen](std::span<const CompleteFrame> frames, std::uint32_t) noexcept -> unsigned {
    for (const CompleteFrame& f : frames) seen += f.messages();
    return static_cast<unsigned>(frames.size());
  };
  WriteFlusher flusher(count, wire::FrameHeader({}));
  flusher.add(this->ring_);
  this->begin_writer();
  this->send("one");
  EXPECT_THROW(flusher.begin_session(tagged), Error) << "not idle";
  flusher.poll();
  EXPECT_EQ(seen, 1U);
  try {
    flusher.begin_session(tagged);
    ADD_FAILURE() << "the old writer is there";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("header_size is 62 bytes"));
    EXPECT_THAT(e.what(), HasSubstr("have 66"));
  }
  this->kind_.reset();
  flusher.begin_session(tagged);
  this->begin_writer({64, tagged.size(), {}, 7});
  this->send("two");
  flusher.poll();
  EXPECT_EQ(seen, 2U);
}

TYPED_TEST(Replacement, C05d_FlushWaitEndsWhoeverIsReplaced) {
  this->begin_writer();
  this->begin_flusher();
  const auto send_and_wait = [this] {
    put(this->kind_->writer, "x");
    return this->flushed();
  };
  EXPECT_EQ(send_and_wait(), Flushed::kSent);
  EXPECT_EQ(send_and_wait(), Flushed::kSent);
  this->begin_flusher();
  EXPECT_EQ(send_and_wait(), Flushed::kSent);
  this->begin_writer();
  EXPECT_EQ(this->flushed(), Flushed::kSent) << "nothing of its own";
  EXPECT_EQ(send_and_wait(), Flushed::kSent);
  this->begin_writer();
  this->begin_flusher();
  EXPECT_EQ(send_and_wait(), Flushed::kSent);
  this->sink.room = 0;
  this->send("y");
  this->flusher_->poll();
  this->begin_flusher();
  this->sink.room = 99;
  EXPECT_EQ(send_and_wait(), Flushed::kDropped) << "with the flusher before";
  EXPECT_EQ(send_and_wait(), Flushed::kSent);
  this->sink.room = 0;
  this->send("z");
  this->flusher_->poll();
  this->begin_writer();
  this->flusher_->drop_pending();
  this->sink.room = 99;
  EXPECT_EQ(send_and_wait(), Flushed::kSent) << "the drop was another writer's";
}

TYPED_TEST(Replacement, C42_TheyGoInAnyOrder) {
  enum Part { kFlusher, kRing, kWriter };
  std::array<int, 3> order{kFlusher, kRing, kWriter};
  do {
    for (const bool handed_over : {false, true})
      for (const bool pending : {false, true}) {
        auto ring = std::make_unique<FrameRing>(16);
        std::optional<KeepFlusher> flusher(std::in_place, this->sink, wire::FrameHeader({}));
        flusher->add(*ring);
        std::optional<TypeParam> kind(std::in_place, this->pool_, *ring, small_frames(64));
        this->sink.room = 0;
        for (int i = 0; i < 3; ++i) {
          put(kind->writer, "x");
          if (handed_over) kind->writer.flush();
          if (pending) flusher->poll();
        }
        for (const int part : order) {
          if (part == kFlusher) flusher.reset();
          if (part == kRing) ring.reset();
          if (part == kWriter) kind.reset();
        }
        EXPECT_EQ(this->pool_.in_use(), 0U);
      }
  } while (std::next_permutation(order.begin(), order.end()));
}

TYPED_TEST(Replacement, C42_ARingGivesBackWhatIsInIt) {
  this->begin_writer();
  this->send("x");
  FrameRing moved(std::move(this->ring_));
  this->send("y");
  EXPECT_EQ(moved.size(), 2U) << "its writer is there";
  this->kind_.reset();
  EXPECT_EQ(this->pool_.in_use(), 2U);
  this->ring_ = std::move(moved);
  EXPECT_EQ(this->ring_.size(), 2U);
  this->ring_ = FrameRing(16);
  EXPECT_EQ(this->pool_.in_use(), 0U);
}

TYPED_TEST(Replacement, TwoFlushersOfOneRingAreRefused) {
  this->begin_writer();
  this->begin_flusher();
  this->flusher_->add(this->ring_);  // adding the same ring again is allowed
  KeepFlusher other(this->sink, wire::FrameHeader({}));
  try {
    other.add(this->ring_);
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("second flusher"));
  }
  this->send("x");
  this->poll();
  EXPECT_THAT(this->sink.messages(), ElementsAre("x"));
}

TYPED_TEST(Replacement, HeadersOfAnotherSizeAreRefusedOnceForAll) {
  const auto error_of = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  wire::FrameHeaderOptions options;
  options.vlan_id = 5;
  const wire::FrameHeader tagged(options);
  this->begin_writer();
  KeepFlusher other(this->sink, tagged);
  EXPECT_THAT(error_of([&] { other.add(this->ring_); }),
              testing::AllOf(HasSubstr("62 bytes"), HasSubstr("have 66 bytes")));
  this->begin_flusher();
  EXPECT_THAT(error_of([&] {
                this->begin_writer({64, tagged.size(), {}, 7});
              }),
              testing::AllOf(HasSubstr("66 bytes"), HasSubstr("have 62 bytes")));
  this->begin_writer();
  EXPECT_THAT(error_of([&] {
                TypeParam(this->pool_, this->ring_, {64, tagged.size(), {}, 7});
              }),
              HasSubstr("66 bytes"));
  this->send("x");
  this->poll();
  EXPECT_THAT(this->sink.messages(), ElementsAre("x"));
  // Frames that a writer left behind still count with its header size.
  this->flusher_.reset();
  this->send("left");
  this->kind_.reset();
  EXPECT_THAT(error_of([&] { other.add(this->ring_); }), HasSubstr("have 66 bytes"));
  this->begin_flusher();
  this->poll();
  EXPECT_THAT(this->sink.messages(), ElementsAre("x", "left"));
  this->flusher_.reset();
  EXPECT_THAT(error_of([&] { other.add(this->ring_); }), "no error");
}

TYPED_TEST(Replacement, FramesBeyondTheSinksMtuAreRefused) {
  struct SmallSink : KeepSink {
    [[nodiscard]] std::uint32_t mtu() const noexcept { return 1500; }
  } small;
  const std::uint32_t most = wire::FrameHeader::payload_capacity(1500);
  WriteFlusher<SmallSink> flusher(small, wire::FrameHeader({}));
  this->begin_writer(small_frames(most + 1));
  EXPECT_THROW(flusher.add(this->ring_), Error);
  this->begin_writer(small_frames(most));
  flusher.add(this->ring_);
  try {
    this->begin_writer(small_frames(most + 1));
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::AllOf(HasSubstr(std::to_string(most) + " bytes"),
                                         HasSubstr(std::to_string(most + 1) + " bytes")));
  }
  this->begin_writer(small_frames(most));
  this->send("x");
  flusher.poll();
  EXPECT_THAT(small.messages(), ElementsAre("x"));
}

TYPED_TEST(Replacement, C80_WritersOfTwoPoolsShareARingThatIsTooSmallForBoth) {
  std::optional<FullPool> other_pool(std::in_place, 40U);
  FullPool pool(40);
  FrameRing ring(40);
  std::optional<TypeParam> a(std::in_place, pool, ring, small_frames(64));
  std::optional<TypeParam> b(std::in_place, *other_pool, ring, small_frames(64));
  unsigned put_in = 0;
  for (int i = 0; i < 200; ++i)
    for (auto* kind : {&*a, &*b}) {
      auto r = kind->writer.reserve(4);
      put_in += r ? 1 : 0;
      if (r) std::memcpy(r.data(), "text", 4);
      r.commit();
      kind->writer.flush();
    }
  EXPECT_GT(put_in, 40U);
  b.reset();  // some of its frames found no room in the ring; they stay with the ring
  a.reset();
  KeepFlusher flusher(this->sink, wire::FrameHeader({}), 8);
  flusher.add(ring);
  EXPECT_FALSE(flusher.idle());
  while (flusher.poll() > 0) {
  }
  EXPECT_TRUE(flusher.idle());
  EXPECT_EQ(this->sink.messages().size(), put_in);
  a.emplace(pool, ring, small_frames(64));
  put(a->writer, "more");
  a->writer.flush();
  flusher.poll();
  EXPECT_EQ(this->sink.messages().size(), put_in + 1);
}

TYPED_TEST(Replacement, WhatIsLeftWithARingThatGoesGoesBack) {
  FullPool pool(40);
  FrameRing ring(40);
  {
    TypeParam a(this->pool_, ring, small_frames(64)), b(pool, ring, small_frames(64));
    for (int i = 0; i < 50; ++i)
      for (auto* kind : {&a, &b}) {
        kind->writer.reserve(4).commit();
        kind->writer.flush();
      }
  }
  EXPECT_GT(ring.size(), 40U);
  ring = FrameRing(1);
  EXPECT_EQ(pool.in_use() + this->pool_.in_use(), 0U);
}

/// Several producers of one writer.
TEST(SharedReplacement, ProducersComeAndGoWithTheirRings) {
  FullPool pool(64);
  KeepSink sink;
  KeepFlusher flusher(sink, wire::FrameHeader({}));
  SharedWriter shared(pool, small_frames(10));
  FrameRing kept(64);
  flusher.add(kept);
  SharedWriter::Producer first(shared, kept);
  std::vector<std::string> wanted;
  for (int i = 0; i < 20; ++i) {
    const auto text = [&](const char* of) {
      wanted.push_back(of + std::to_string(100 + i));
      return wanted.back();
    };
    FrameRing ring(64);
    if (i % 2 == 0) flusher.add(ring);
    SharedWriter::Producer second(shared, ring);
    if (i % 2 == 1) flusher.add(ring);
    put(second, text("2nd"));
    put(first, text("1st"));
    put(second, text("3rd"));
    if (i % 3 == 0)
      while (flusher.poll() > 0) {
      }
  }
  first.flush();
  while (flusher.poll() > 0) {
  }
  EXPECT_EQ(sink.messages(), wanted);
}

TEST(SharedReplacement, FramesOfARingThatGoesUnreadComeByTheOthers) {
  FullPool pool(16);
  KeepSink sink;
  SharedWriter shared(pool, small_frames(10));
  FrameRing kept(16);
  SharedWriter::Producer first(shared, kept);
  {
    FrameRing ring(16);
    SharedWriter::Producer second(shared, ring);
    put(second, "aaaaaaaa");
    second.flush();
    put(first, "bbbbbbbb");
    first.flush();
    put(second, "cccccccc");
  }
  KeepFlusher flusher(sink, wire::FrameHeader({}));
  flusher.add(kept);
  put(first, "dddddddd");
  first.flush();
  while (flusher.poll() > 0) {
  }
  EXPECT_THAT(sink.messages(), ElementsAre("aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"));
}

TEST(SharedReplacement, ItsRingsHaveOneFlusher) {
  FullPool pool(16);
  KeepSink sink;
  KeepFlusher one(sink, wire::FrameHeader({})), two(sink, wire::FrameHeader({}));
  SharedWriter shared(pool, small_frames(10));
  FrameRing a(16), b(16), c(16);
  SharedWriter::Producer first(shared, a), second(shared, b);
  one.add(a);
  EXPECT_THROW(two.add(b), Error);
  two.add(c);
  EXPECT_THROW(SharedWriter::Producer(shared, c), Error);
  one.add(b);
  put(second, "x");
  second.flush();
  one.poll();
  EXPECT_THAT(sink.messages(), ElementsAre("x"));
}

TEST(SharedReplacement, LocalAndSharedWritersShareARing) {
  FullPool pool(16);
  KeepSink sink;
  FrameRing ring(16), other(16);
  KeepFlusher flusher(sink, wire::FrameHeader({}));
  flusher.add_shared(std::array{&ring, &other});
  SharedWriter one(pool, small_frames(10)), two(pool, small_frames(10));
  SharedWriter::Producer a(one, ring), b(two, ring), elsewhere(one, other);
  LocalWriter local(pool, ring, small_frames(10));
  auto slow = reserve(elsewhere, "slow....");
  put(a, "held....");
  put(b, "b.......");
  put(local, "local...");
  for (auto* p : {&a, &b}) p->flush();
  local.flush();
  while (flusher.poll() > 0) {
  }
  EXPECT_THAT(sink.messages(), testing::UnorderedElementsAre("b.......", "local..."));
  slow.commit();
  elsewhere.flush();
  while (flusher.poll() > 0) {
  }
  EXPECT_THAT(sink.messages(), testing::IsSupersetOf({"slow....", "held...."}));
  EXPECT_EQ(sink.messages().at(2), "slow....");
}

}  // namespace
}  // namespace bab
