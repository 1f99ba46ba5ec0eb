#include <bab/capture/capture.hpp>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/port/loopback.hpp>

#include "capturing_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using test::read_counts;
using test::read_frames;
using testing::ElementsAre;

class CaptureTest : public test::CapturingPort {};

/// Stops a capture's writing thread at any point, in a signal handler, until this object is
/// destroyed.
class StalledWriter {
 public:
  StalledWriter() {
    if (pipe(pipe_.data()) != 0) throw std::runtime_error("no pipe");
    struct sigaction action {};
    action.sa_handler = [](int) {
      char c = 0;
      stalled_.store(true);
      (void)!read(pipe_[0], &c, 1);
      stalled_.store(false);
    };
    sigaction(SIGUSR1, &action, &before_);
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::ifstream(task.path() / "comm") >> name;
      if (name == "bab-capture")
        syscall(SYS_tgkill, getpid(), std::stoi(task.path().filename()), SIGUSR1);
    }
    for (int i = 0; i < 10'000 && !stalled_; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(stalled_) << "no writing thread";
  }
  ~StalledWriter() {
    (void)!write(pipe_[1], "", 1);
    for (int i = 0; i < 10'000 && stalled_; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    sigaction(SIGUSR1, &before_, nullptr);
    close(pipe_[0]);
    close(pipe_[1]);
  }
  StalledWriter(const StalledWriter&) = delete;
  StalledWriter& operator=(const StalledWriter&) = delete;

 private:
  inline static std::array<int, 2> pipe_;
  inline static std::atomic<bool> stalled_{false};
  struct sigaction before_ {};
};

TEST_F(CaptureTest, WritesWhatIsSentAndReceived) {
  Capture capture(ports_, to_file());
  send("one");
  send("two");
  receive_all();
  capture.stop();
  EXPECT_THAT(captured(), testing::UnorderedElementsAre("one", "two", "one", "two"));
  const CaptureStats s = capture.stats();
  EXPECT_EQ(s.wanted, 4U);
  EXPECT_EQ(s.written, 4U);
  EXPECT_EQ(s.missed + s.failed, 0U);
}

TEST_F(CaptureTest, OneDirection) {
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  Capture tx(ports_, o);
  o.direction = CaptureDirection::kRx;
  o.path = path("rx.pcapng");
  Capture rx(ports_, o);  // both at once, as they capture different queues
  send("x");
  receive_all();
  tx.stop();
  send("y");
  receive_all();
  rx.stop();
  EXPECT_THAT(captured(), ElementsAre("x"));
  EXPECT_EQ(read_frames(path("rx.pcapng")).size(), 2U);
}

TEST_F(CaptureTest, UdpPortOfEitherSide) {
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  o.udp_port = 7;
  Capture capture(ports_, o);
  send("a", 7);
  send("b", 8);
  rte_mbuf* runt = pool_.try_acquire();
  std::memset(rte_pktmbuf_append(runt, 20), 8, 20);
  ASSERT_EQ(port_.tx(0).send({&runt, 1}), 1U);
  capture.stop();
  EXPECT_THAT(captured(), ElementsAre("a"));
  EXPECT_EQ(capture.stats().wanted, 1U);
  o.udp_port = 1234;  // the source's UDP port
  Capture again(ports_, o);
  send("c", 8);
  again.stop();
  EXPECT_THAT(captured(), ElementsAre("c"));
}

TEST_F(CaptureTest, OneIn) {
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  o.one_in = 3;
  Capture capture(ports_, o);
  for (int i = 1; i <= 10; ++i) send(std::to_string(i));
  capture.stop();
  EXPECT_THAT(captured(), ElementsAre("3", "6", "9"));
}

/// A full ring takes only a part of a burst. Frames that are offered again are captured once.
TEST_F(CaptureTest, FramesThatThePortDoesNotTakeAreNotCaptured) {
  Loopback small(1);
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  o.one_in = 2;
  FullPool many(test::small_pool(Loopback::kFrames + 64, 0));
  Port port({.id = small.port_id()}, many);
  port.start();
  std::array<Port*, 1> ports{&port};
  Capture capture(ports, o);
  std::uint64_t sent = 0;
  std::vector<rte_mbuf*> rest;
  while (rte_mbuf* m = many.try_acquire()) {
    std::memset(rte_pktmbuf_append(m, 60), 0, 60);
    rest.push_back(m);
  }
  for (int tries = 0; tries < 100 && !rest.empty(); ++tries) {
    const unsigned n =
        port.tx(0).send(std::span(rest).first(std::min<std::size_t>(rest.size(), 40)));
    sent += n;
    rest.erase(rest.begin(), rest.begin() + n);
    // gives the writing thread time to keep up
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_FALSE(rest.empty()) << "the ring was never full";
  BufferPool::release(rest);
  capture.stop();
  const CaptureStats s = capture.stats();
  EXPECT_EQ(s.wanted, sent / 2);
  EXPECT_EQ(s.written + s.missed, s.wanted);
  EXPECT_EQ(read_frames(path()).size(), s.written);
  port.drain();
}

/// The lcore goes on, and copies no more frames than there are buffers.
TEST_F(CaptureTest, WithAStalledWriterAllButTheBuffersIsMissed) {
  CaptureOptions o = to_file();
  o.buffers = 128;  // 64 per queue
  Capture capture(ports_, o);
  constexpr std::uint64_t kFrames = 5'000, kCopies = 128;
  {
    const StalledWriter stalled;
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      send("0123456789");
      receive_all();
    }
    const CaptureStats s = capture.stats();
    EXPECT_EQ(s.wanted, 2 * kFrames);
    EXPECT_EQ(s.missed, s.wanted - kCopies);
    EXPECT_EQ(s.written, 0U);
  }
  capture.stop();
  const CaptureStats s = capture.stats();
  EXPECT_EQ(s.wanted, 2 * kFrames);
  EXPECT_EQ(s.written, kCopies);
  EXPECT_EQ(s.missed, s.wanted - kCopies);
  EXPECT_EQ(read_frames(path()).size(), kCopies);
  EXPECT_EQ(read_counts(path()).received, s.wanted);
  EXPECT_EQ(read_counts(path()).dropped, s.missed);
}

/// A filter also holds for missed frames: only those that pass are counted.
TEST_F(CaptureTest, OfWhatIsMissedOnlyWhatPassesTheFilterCounts) {
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  o.buffers = 64;
  o.udp_port = 7;
  o.one_in = 3;
  Capture capture(ports_, o);
  {
    const StalledWriter stalled;
    for (int i = 0; i < 3'000; ++i) {
      send("x", i % 2 == 0 ? 7 : 8);
      receive_all();
    }
    EXPECT_EQ(capture.stats().wanted, 500U);
    EXPECT_EQ(capture.stats().missed, 500U - 64U);
  }
  capture.stop();
}

TEST_F(CaptureTest, CopiesTakeNoMoreThanTheirShareOfTime) {
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  o.lcore_share = 1e-9;  // only the time saved up in advance is left for copies
  Capture capture(ports_, o);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(30);
  std::uint64_t sent = 0;
  while (capture.stats().missed < 1000 && Clock::now() < end) {
    send(std::string(1000, 'x'));
    ++sent;
    receive_all();
    // No frame is missed for lack of a buffer: the loop waits for the writing thread.
    while (capture.stats().wanted - capture.stats().written - capture.stats().missed > 100)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  capture.stop();
  const CaptureStats s = capture.stats();
  EXPECT_EQ(s.wanted, sent);
  EXPECT_GE(s.missed, 1000U);
  EXPECT_GT(s.written, 100U);
  EXPECT_EQ(s.written + s.missed, s.wanted);
}

/// An lcore that has used up its share of time for copies still copies after turns without work,
/// but not after turns with work.
TEST_F(CaptureTest, AnLcoresIdleTimeIsForCopies) {
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  o.lcore_share = 1e-9;
  Capture capture(ports_, o);
  struct Work {
    unsigned did = 1;
    unsigned poll(std::uint64_t) const noexcept { return did; }
  } work;
  struct Sender {
    std::function<void()> send;
    unsigned to_send = 0;
    unsigned poll(std::uint64_t) {
      for (; to_send > 0; --to_send) send();
      return 0;
    }
  } sender{[this] {
    send(std::string(1000, 'x'));
    receive_all();
  }};
  Lcore lcore;
  lcore.add(work);
  lcore.add(sender);
  const auto turn_for_a_while = [&](bool busy) {
    work.did = busy ? 1 : 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    lcore.run_until([&] { return std::chrono::steady_clock::now() >= end; });
  };
  const auto send_one = [&] {
    sender.to_send = 1;
    lcore.run_until([&] { return sender.to_send == 0; });
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto under_way = [&] {
    const CaptureStats s = capture.stats();
    return s.wanted - s.written - s.missed;
  };
  while (capture.stats().missed < 10 && std::chrono::steady_clock::now() < end) {
    send_one();
    // No frame is missed for lack of a buffer: the loop waits for the writing thread.
    while (under_way() > 100) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  while (under_way() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const CaptureStats before = capture.stats();
  turn_for_a_while(true);
  send_one();
  EXPECT_EQ(capture.stats().missed, before.missed + 1);
  turn_for_a_while(false);
  send_one();
  EXPECT_EQ(capture.stats().missed, before.missed + 1);
  capture.stop();
  EXPECT_EQ(capture.stats().written, before.written + 1);
}

/// A capture starts and stops while the queue's lcore goes on. ThreadSanitizer checks this.
TEST_F(CaptureTest, ComesAndGoesWhileFramesPass) {
  std::atomic<bool> end{false};
  std::uint64_t sent = 0;
  std::thread lcore([&] {
    while (!end.load(std::memory_order_relaxed)) {
      send("x");
      ++sent;
      receive_all();
    }
  });
  std::uint64_t wanted = 0;
  for (int i = 0; i < 30; ++i) {
    Capture capture(ports_, to_file());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    capture.stop();
    EXPECT_EQ(read_frames(path()).size(), capture.stats().written);
    EXPECT_EQ(capture.stats().written + capture.stats().missed, capture.stats().wanted);
    wanted += capture.stats().wanted;
  }
  end = true;
  lcore.join();
  EXPECT_LE(wanted, 2 * sent);
  EXPECT_GT(wanted, 0U);
}

}  // namespace
}  // namespace bab
