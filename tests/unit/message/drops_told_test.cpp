/// What flush_wait() says about dropped frames when several tasks, coroutines or Reservations are
/// involved.
#include <array>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/lcore.hpp>
#include <bab/message/flush_wait.hpp>

#include "shared_bench.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::KeepSink;
using test::put;
using test::SharedBench;
using test::small_frames;
using test::WriterBench;

/// An event of the application's own: set() resumes the waiting coroutines inside its call.
struct InlineEvent {
  struct Awaiter {
    InlineEvent& event;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { event.waiting.push_back(h); }
    void await_resume() noexcept {}
  };
  Awaiter operator co_await() noexcept { return {*this}; }
  void set() {
    for (std::coroutine_handle<> h : std::exchange(waiting, {})) h.resume();
  }
  std::vector<std::coroutine_handle<>> waiting;
};

/// A coroutine that begins when it is called and belongs to no task.
struct NoTask {
  struct promise_type {
    NoTask get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// Does one thing in the next turn's polls, when no task runs.
struct PollOnce {
  std::function<void()> next;
  unsigned poll(std::uint64_t /*now*/) {
    if (next) std::exchange(next, nullptr)();
    return 0;
  }
};

struct DropsToldTest : testing::Test {
  DropsToldTest() {
    flusher.add(b.ring);
    lcore.add(once);
  }
  ~DropsToldTest() override {
    lcore.request_stop();
    turns(4);
    EXPECT_EQ(lcore.tasks(), 0U);
    b.writer->flush();
    flusher.drop_pending();
  }
  void turns(int n) {
    for (int i = 0; i < n; ++i) {
      lcore.turn(++now);
      flusher.poll();
    }
  }
  void drop_all() {
    flusher.poll();
    flusher.drop_pending();
    sink.room = ~0U;
  }

  KeepSink sink{{}, 0};
  WriterBench b{8, 64};
  WriteFlusher<KeepSink> flusher{sink, wire::FrameHeader({})};
  Lcore lcore;
  PollOnce once;
  std::uint64_t now = 0;
};

TEST_F(DropsToldTest, ATaskThatAnotherOneResumedOutlivesIt) {
  InlineEvent event;
  std::optional<Flushed> told;
  lcore.spawn([&]() -> Task<> {
    put(*b.writer, "b");
    co_await event;
    told = co_await flush_wait(*b.writer);
  });
  lcore.spawn([&]() -> Task<> {
    co_await Yield();
    event.set();
  });
  turns(3);
  EXPECT_EQ(lcore.tasks(), 1U);
  // A task that is spawned now must not be told of the other task's drop.
  std::optional<Flushed> third;
  InlineEvent go;
  lcore.spawn([&]() -> Task<> {
    put(*b.writer, "c");
    co_await Sleep(10);
    third = co_await flush_wait(*b.writer);
  });
  turns(2);
  b.writer->flush();
  drop_all();
  turns(2);
  EXPECT_EQ(told, Flushed::kDropped);
  EXPECT_EQ(third, std::nullopt);
  turns(6);
  EXPECT_EQ(third, Flushed::kDropped);
}

TEST_F(DropsToldTest, ACoroutineOutlivesTheTaskThatBeganIt) {
  std::optional<Flushed> told;
  const auto outlives = [&]() -> NoTask {
    put(*b.writer, "a");
    told = co_await flush_wait(*b.writer);
  };
  lcore.spawn([&]() -> Task<> {
    outlives();
    co_return;
  });
  turns(3);
  EXPECT_EQ(lcore.tasks(), 0U);
  drop_all();
  turns(2);
  EXPECT_EQ(told, Flushed::kDropped);
}

TEST_F(DropsToldTest, CoroutinesOfNoTaskAreToldWhateverOthersWere) {
  std::optional<Flushed> first;
  std::optional<Flushed> second;
  const auto early = [&]() -> NoTask {
    put(*b.writer, "a");
    first = co_await flush_wait(*b.writer);
  };
  const auto late = [&]() -> NoTask {
    put(*b.writer, "b");
    co_await Sleep(10);
    second = co_await flush_wait(*b.writer);
  };
  once.next = [&] {
    late();
    early();
  };
  turns(1);
  drop_all();
  turns(12);
  EXPECT_EQ(first, Flushed::kDropped);
  EXPECT_EQ(second, Flushed::kDropped) << "the first one was told of it, this one wasn't";
}

TEST_F(DropsToldTest, ACoroutineOfNoTaskIsToldThoughATaskWas) {
  std::optional<Flushed> first;
  std::optional<Flushed> second;
  const auto late = [&]() -> NoTask {
    put(*b.writer, "a");
    co_await Sleep(10);
    second = co_await flush_wait(*b.writer);
  };
  once.next = [&] { late(); };
  lcore.spawn([&]() -> Task<> {
    put(*b.writer, "b");
    first = co_await flush_wait(*b.writer);
  });
  turns(2);
  drop_all();
  turns(12);
  EXPECT_EQ(first, Flushed::kDropped);
  EXPECT_EQ(second, Flushed::kDropped);
}

TEST_F(DropsToldTest, ATaskThatTurnsItsLcoreStaysItself) {
  std::optional<Flushed> first;
  std::array<std::optional<Flushed>, 2> second;
  lcore.spawn([&]() -> Task<> {
    put(*b.writer, "a");
    co_await Sleep(10);
    lcore.turn(now);
    second[0] = co_await flush_wait(*b.writer);
    second[1] = co_await flush_wait(*b.writer);
  });
  lcore.spawn([&]() -> Task<> {
    put(*b.writer, "b");
    first = co_await flush_wait(*b.writer);
  });
  turns(2);
  drop_all();
  turns(14);
  EXPECT_EQ(first, Flushed::kDropped);
  EXPECT_EQ(second[0], Flushed::kDropped);
  EXPECT_EQ(second[1], Flushed::kSent) << "it was told as the task that it is, once";
}

TEST_F(DropsToldTest, APollersCoroutineInATasksOwnTurnIsNotThatTask) {
  std::optional<Flushed> of_task;
  std::optional<Flushed> of_other;
  const auto other = [&]() -> NoTask {
    put(*b.writer, "b");
    of_other = co_await flush_wait(*b.writer);
  };
  lcore.spawn([&]() -> Task<> {
    put(*b.writer, "a");
    co_await Yield();
    once.next = [&] { other(); };
    lcore.turn(now);
    of_task = co_await flush_wait(*b.writer);
  });
  turns(3);
  drop_all();
  turns(3);
  EXPECT_EQ(of_other, Flushed::kDropped);
  EXPECT_EQ(of_task, Flushed::kDropped);
}

/// Frames of 10 bytes with one message each. The first frame stays open.
struct GivenUpFrame : testing::Test {
  ~GivenUpFrame() override {
    lcore.request_stop();
    turns(4);
    (void)b.flushed();
  }
  void turns(int n) {
    for (int i = 0; i < n; ++i) {
      lcore.turn(++now);
      b.flusher->poll();
    }
  }
  SharedBench b{8, 10};
  Lcore lcore;
  std::uint64_t now = 0;
};

TEST_F(GivenUpFrame, ItsMessageIsToldWhenItComesLater) {
  std::array<std::optional<Flushed>, 3> told;
  lcore.spawn([&]() -> Task<> {
    auto open = test::reserve(b[0], "aaaaaaaa");
    put(b[0], "bbbbbbbb");
    told[0] = co_await flush_wait(b[0]);
    open.commit();
    told[1] = co_await flush_wait(b[0]);
    co_await Sleep(10);
    // told of the drop once more, after the flusher got the frame
    told[2] = co_await flush_wait(b[0]);
    EXPECT_EQ(co_await flush_wait(b[0]), Flushed::kSent);
  });
  turns(2);
  b.flusher->drop_pending();
  turns(12);
  EXPECT_EQ(told[0], Flushed::kDropped);
  EXPECT_EQ(told[1], Flushed::kDropped) << "its frame was given up, and dropped when it came";
  EXPECT_EQ(told[2], Flushed::kDropped);
  EXPECT_EQ(b.flusher->stats().dropped_messages, 2U);
  EXPECT_EQ(lcore.tasks(), 0U);
}

TEST_F(GivenUpFrame, ItsMessageIsToldToAnyTaskThatCommitsIt) {
  std::optional<Flushed> first;
  std::array<std::optional<Flushed>, 2> second;
  auto open = test::reserve(b[0], "aaaaaaaa");
  lcore.spawn([&]() -> Task<> {
    put(b[0], "bbbbbbbb");
    first = co_await flush_wait(b[0]);
  });
  turns(2);
  b.flusher->drop_pending();
  turns(2);
  EXPECT_EQ(first, Flushed::kDropped);
  lcore.spawn([&, mine = std::move(open)]() mutable -> Task<> {
    mine.commit();
    b[0].flush();
    co_await Sleep(20);
    second[0] = co_await flush_wait(b[0]);
    second[1] = co_await flush_wait(b[0]);
  });
  turns(20);
  EXPECT_EQ(second[0], Flushed::kDropped);
  EXPECT_EQ(second[1], Flushed::kSent);
}

TEST(DropsToldOnASharedRing, OneDropIsOneStretch) {
  FullPool pool{32};
  FrameRing ring{32};
  KeepSink sink{{}, 0};
  WriteFlusher<KeepSink> flusher{sink, wire::FrameHeader({}), 64};
  flusher.add(ring);
  LocalWriter local{pool, ring, small_frames(64)};
  SharedWriter shared{pool, small_frames(64)};
  SharedWriter::Producer producer{shared, ring};
  Lcore lcore;
  std::optional<Flushed> told;
  lcore.spawn([&]() -> Task<> {
    put(local, "sent");
    told = co_await flush_wait(local);
  });
  lcore.turn(1);
  put(producer, "y");
  producer.flush();
  for (int i = 0; i < 10; ++i) {
    put(local, "x");
    local.flush();
    put(producer, "y");
    producer.flush();
  }
  sink.room = 1;
  flusher.poll();
  flusher.drop_pending();
  lcore.turn(2);
  lcore.turn(3);
  EXPECT_EQ(sink.messages(), std::vector<std::string>{"sent"});
  EXPECT_EQ(told, Flushed::kSent);
}

}  // namespace
}  // namespace bab
