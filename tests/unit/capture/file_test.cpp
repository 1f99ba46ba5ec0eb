#include <bab/capture/capture.hpp>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/port/loopback.hpp>

#include "capturing_port.hpp"

namespace bab {
namespace {

using test::Block;
using test::kInterface;
using test::read_blocks;
using test::read_counts;
using test::read_frames;
using testing::ElementsAre;
using testing::HasSubstr;

class CaptureFileTest : public test::CapturingPort {};

TEST_F(CaptureFileTest, CountsAreInTheFile) {
  Capture capture(ports_, to_file());
  send("x");
  capture.stop();
  bool interface = false;
  for (const Block& b : read_blocks(path())) interface |= b.type == kInterface;
  EXPECT_TRUE(interface);
  EXPECT_EQ(read_counts(path()).received, 1U);
  EXPECT_EQ(read_counts(path()).dropped, 0U);
}

TEST_F(CaptureFileTest, CanBeginAgain) {
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

TEST_F(CaptureFileTest, Refusals) {
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
  EXPECT_THAT(refusal(o), HasSubstr("one_in is 0"));
  const Capture other(ports_, to_file());
  o = to_file();
  o.path = path("second");
  EXPECT_THAT(refusal(o), HasSubstr("captured already"));
}

/// Only a capture that begins may overwrite a file. A refused capture leaves it as it was.
TEST_F(CaptureFileTest, WhatIsRefusedLeavesFilesAsTheyAre) {
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
  refuse(o);  // because the port is captured already
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
  refuse(o);  // because the other capture writes to the same file
  tx.stop();
  EXPECT_THAT(captured(), ElementsAre("y"));
  o.path = precious;
  Capture over(ports_, o);
  over.stop();
  EXPECT_NE(text(precious), "precious");
  receive_all();
}

/// The disk fills up after a while. Each frame in the file is whole, and the other frames are
/// counted.
TEST_F(CaptureFileTest, FileThatCannotGrowIsWholeUpToThere) {
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

/// A file over its size limit raises SIGXFSZ, which ends the process by default. Here the file's
/// head, which this thread writes, is already too long.
TEST_F(CaptureFileTest, FileThatHasNoRoomForItsHeadIsAnError) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  for (const rlim_t bytes : {0U, 10U}) {
    rlimit none = before;
    none.rlim_cur = bytes;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
    std::string why;
    try {
      const Capture capture(ports_, to_file());
    } catch (const Error& e) {
      why = e.what();
    }
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_THAT(why, HasSubstr("choose a file that can be written")) << bytes << " bytes";
  }
  sigset_t pending;
  sigset_t blocked;
  ASSERT_EQ(sigpending(&pending), 0);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &blocked), 0);
  EXPECT_FALSE(sigismember(&pending, SIGXFSZ));
  EXPECT_FALSE(sigismember(&blocked, SIGXFSZ));
  Capture next(ports_, to_file());
  send("x");
  next.stop();
  EXPECT_EQ(captured().size(), 1U);
  receive_all();
}

TEST_F(CaptureFileTest, FullDiskIsAnErrorAndTheTrafficGoesOn) {
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
    why = e.what();  // the first write, of the file's head
  }
  EXPECT_THAT(why, HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace bab
