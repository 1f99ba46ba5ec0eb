#include <bab/port/capture.hpp>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>
#include <bab/wire/endian.hpp>

#include "full_pool.hpp"
#include "test_port.hpp"

namespace bab {
namespace {

using test::FullPool;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A packet of a pcapng file, and the counts that end it.
struct Block {
  std::uint32_t type;
  std::vector<std::uint8_t> body;
};

/// The blocks of a pcapng file (draft-ietf-opsawg-pcapng); fails the test where it isn't one.
std::vector<Block> read_blocks(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<Block> blocks;
  const auto word = [&](std::size_t at) {
    std::uint32_t w = 0;
    std::memcpy(&w, all.data() + at, sizeof w);
    return w;
  };
  for (std::size_t at = 0; at + 12 <= all.size();) {
    const std::uint32_t len = word(at + 4);
    if (len < 12 || len % 4 != 0 || at + len > all.size() || word(at + len - 4) != len) {
      ADD_FAILURE() << "a block of " << len << " bytes at " << at << " of " << all.size();
      return blocks;
    }
    blocks.push_back({word(at),
                      {all.begin() + static_cast<std::ptrdiff_t>(at) + 8,
                       all.begin() + static_cast<std::ptrdiff_t>(at + len) - 4}});
    at += len;
  }
  return blocks;
}

constexpr std::uint32_t kEnhancedPacket = 6, kInterfaceStatistics = 5, kInterface = 1;

/// The frames in it, each its bytes.
std::vector<std::vector<std::uint8_t>> read_frames(const std::string& path) {
  std::vector<std::vector<std::uint8_t>> frames;
  for (const Block& b : read_blocks(path))
    if (b.type == kEnhancedPacket) {
      std::uint32_t len = 0;
      std::memcpy(&len, b.body.data() + 12, sizeof len);
      frames.emplace_back(b.body.begin() + 20, b.body.begin() + 20 + len);
    }
  return frames;
}

/// What the Interface Statistics Blocks say, summed up.
struct Counts {
  std::uint64_t received = 0, dropped = 0;  // isb_ifrecv, isb_ifdrop
};
Counts read_counts(const std::string& path) {
  Counts sum;
  for (const Block& b : read_blocks(path)) {
    if (b.type != kInterfaceStatistics) continue;
    for (std::size_t at = 12; at + 4 <= b.body.size();) {  // options: code, length, value
      std::uint16_t code = 0, len = 0;
      std::memcpy(&code, b.body.data() + at, 2);
      std::memcpy(&len, b.body.data() + at + 2, 2);
      constexpr std::uint16_t kReceived = 4, kDropped = 5;
      std::uint64_t n = 0;
      if (len == sizeof n) std::memcpy(&n, b.body.data() + at + 4, sizeof n);
      if (code == kReceived) sum.received += n;
      if (code == kDropped) sum.dropped += n;
      at += 4U + (len + 3U) / 4U * 4U;
    }
  }
  return sum;
}

/// Stops a capture's writing thread wherever it is, until it is destroyed: in the handler of a signal to that thread.
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

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() : pool_(test::small_pool(64, 0)), port_({.id = wire_.port_id()}, pool_) {
    std::string name = (std::filesystem::temp_directory_path() / "bab-capture-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    port_.start();
  }
  ~CaptureTest() override {
    port_.drain();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string path(const std::string& name = "out.pcapng") const {
    return directory_ / name;
  }
  CaptureOptions to_file() const {
    CaptureOptions o;
    o.path = path();
    return o;
  }
  /// Sends a UDP frame whose payload is `text`.
  void send(const std::string& text, std::uint16_t udp_port = 9) {
    rte_mbuf* m = pool_.try_acquire();
    ASSERT_NE(m, nullptr);
    const std::vector<std::uint8_t> frame = make(text, udp_port);
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    ASSERT_EQ(port_.tx(0).send({&m, 1}), 1U);
  }
  static std::vector<std::uint8_t> make(const std::string& text, std::uint16_t udp_port) {
    std::vector<std::uint8_t> f(42 + text.size());
    wire::store_be<std::uint16_t>(f.data() + 12, wire::kEtherTypeIpv4);
    f[14] = 0x45;
    wire::store_be(f.data() + 16, static_cast<std::uint16_t>(28 + text.size()));
    f[23] = wire::kProtocolUdp;
    wire::store_be<std::uint16_t>(f.data() + 34, 1234);
    wire::store_be<std::uint16_t>(f.data() + 36, udp_port);
    wire::store_be(f.data() + 38, static_cast<std::uint16_t>(8 + text.size()));
    std::memcpy(f.data() + 42, text.data(), text.size());
    return f;
  }
  void receive_all() {
    std::array<rte_mbuf*, 32> burst;
    while (const unsigned n = port_.rx(0).receive(burst))
      BufferPool::release(std::span(burst.data(), n));
  }
  /// Payloads in the file.
  [[nodiscard]] std::vector<std::string> captured() const {
    std::vector<std::string> all;
    for (const auto& f : read_frames(path())) all.emplace_back(f.begin() + 42, f.end());
    return all;
  }

  std::filesystem::path directory_;
  Loopback wire_;
  FullPool pool_;
  Port port_;
  std::array<Port*, 1> ports_{&port_};
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
  Capture rx(ports_, o);  // another queue's: both at once
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
  o.udp_port = 1234;  // the source's
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

/// A ring that is full takes some of a burst: what is offered again is captured once.
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
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the writer keeps up
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

/// The lcore goes on, and copies no more than there are buffers for.
TEST_F(CaptureTest, WithAStalledWriterAllButTheBuffersIsMissed) {
  CaptureOptions o = to_file();
  o.buffers = 128;  // 64 a queue
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

/// Filters count what they would have taken.
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
  o.lcore_share = 1e-9;  // what it has saved up is all
  Capture capture(ports_, o);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(30);
  std::uint64_t sent = 0;
  while (capture.stats().missed < 1000 && Clock::now() < end) {
    send(std::string(1000, 'x'));
    ++sent;
    receive_all();
    // Never for want of a buffer: the writer keeps up.
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

TEST_F(CaptureTest, CountsAreInTheFile) {
  Capture capture(ports_, to_file());
  send("x");
  capture.stop();
  bool interface = false;
  for (const Block& b : read_blocks(path())) interface |= b.type == kInterface;
  EXPECT_TRUE(interface);
  EXPECT_EQ(read_counts(path()).received, 1U);
  EXPECT_EQ(read_counts(path()).dropped, 0U);
}

TEST_F(CaptureTest, CanBeginAgain) {
  for (const char* text : {"a", "b"}) {
    CaptureOptions o = to_file();
    o.direction = CaptureDirection::kTx;
    Capture capture(ports_, o);
    send(text);
    receive_all();
    capture.stop();
    capture.stop();
    send("not this");
    EXPECT_THAT(captured(), ElementsAre(text));
  }
}

TEST_F(CaptureTest, Refusals) {
  const auto refusal = [&](const CaptureOptions& o) -> std::string {
    try {
      const Capture capture(ports_, o);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  CaptureOptions o = to_file();
  o.path = "/no-such-directory/x";
  EXPECT_THAT(refusal(o), HasSubstr("/no-such-directory/x"));
  o = to_file();
  o.port = 77;
  EXPECT_THAT(refusal(o), HasSubstr("no port 77"));
  o = to_file();
  o.lcore_share = 0;
  EXPECT_THAT(refusal(o), HasSubstr("above 0"));
  o = to_file();
  o.one_in = 0;
  EXPECT_THAT(refusal(o), HasSubstr("1 in 0"));
  const Capture other(ports_, to_file());
  o = to_file();
  o.path = path("second");
  EXPECT_THAT(refusal(o), HasSubstr("captured already"));
}

/// What was in a file is lost only to a capture that begins.
TEST_F(CaptureTest, WhatIsRefusedLeavesFilesAsTheyAre) {
  const auto refuse = [&](const CaptureOptions& o) { EXPECT_THROW(Capture(ports_, o), Error); };
  const auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  const std::string precious = path("precious");
  std::ofstream(precious) << "precious";
  CaptureOptions o = to_file();
  Capture running(ports_, o);
  o.path = precious;
  refuse(o);  // the port is captured already
  o.port = 77;
  refuse(o);
  EXPECT_EQ(text(precious), "precious");
  o.path = path("new");
  refuse(o);
  EXPECT_FALSE(std::filesystem::exists(o.path));
  send("x");
  running.stop();
  receive_all();
  o = to_file();
  o.direction = CaptureDirection::kTx;
  Capture tx(ports_, o);
  send("y");
  o.direction = CaptureDirection::kRx;
  refuse(o);  // of the same file
  tx.stop();
  EXPECT_THAT(captured(), ElementsAre("y"));
  o.path = precious;
  Capture over(ports_, o);
  over.stop();
  EXPECT_NE(text(precious), "precious");
  receive_all();
}

/// On a disk that fills up after a while: what is in the file is whole, the rest counts.
TEST_F(CaptureTest, FileThatCannotGrowIsWholeUpToThere) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  Capture capture(ports_, to_file());
  rlimit small = before;
  small.rlim_cur = 20'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 0; i < 1000; ++i) {
    send("0123456789");
    receive_all();
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  std::string why;
  try {
    capture.stop();
  } catch (const Error& e) {
    why = e.what();
  }
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  const CaptureStats s = capture.stats();
  EXPECT_THAT(why, HasSubstr(std::to_string(s.failed) + " frames were not written"));
  EXPECT_THAT(why, HasSubstr("choose a file where there is room"));
  EXPECT_EQ(s.wanted, 2'000U);
  EXPECT_GT(s.written, 0U);
  EXPECT_GT(s.failed, 0U);
  EXPECT_EQ(s.written + s.missed + s.failed, s.wanted);
  EXPECT_EQ(read_frames(path()).size(), s.written);
}

TEST_F(CaptureTest, FullDiskIsAnErrorAndTheTrafficGoesOn) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "there is no /dev/full";
  CaptureOptions o = to_file();
  o.path = "/dev/full";
  std::string why;
  try {
    Capture capture(ports_, o);
    for (int i = 0; i < 10; ++i) {
      send("x");
      receive_all();
    }
    try {
      capture.stop();
    } catch (const Error& e) {
      why = e.what();
    }
    EXPECT_EQ(capture.stats().failed, 20U);
  } catch (const Error& e) {
    why = e.what();  // the very first write, of the file's head
  }
  EXPECT_THAT(why, HasSubstr("No space left on device"));
}

/// On and off while the queue's lcore goes on: for ThreadSanitizer.
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
