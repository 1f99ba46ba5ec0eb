#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/capture/capture.hpp>
#include <bab/port/loopback.hpp>

#include "../port/odd_driver.hpp"
#include "capturing_port.hpp"

namespace bab {
namespace {

using test::Block;
using test::read_blocks;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CaptureBlocksTest : public test::CapturingPort {};

std::uint32_t word(const Block& b, std::size_t at) {
  std::uint32_t w = 0;
  std::memcpy(&w, b.body.data() + at, sizeof w);
  return w;
}

/// Nanoseconds since 1970, at this place in the block. The upper half comes first.
std::uint64_t time_at(const Block& b, std::size_t at) {
  return std::uint64_t{word(b, at)} << 32 | word(b, at + 4);
}

/// A block's options by their codes. `at`: where the options begin.
std::map<unsigned, std::vector<std::uint8_t>> options(const Block& b, std::size_t at) {
  std::map<unsigned, std::vector<std::uint8_t>> all;
  while (at + 4 <= b.body.size()) {
    const unsigned code = word(b, at) & 0xffff, length = word(b, at) >> 16;
    const auto value = b.body.begin() + static_cast<std::ptrdiff_t>(at) + 4;
    if (code != 0) all[code] = {value, value + length};
    at += 4 + (length + 3U) / 4 * 4;
  }
  return all;
}

std::vector<Block> of_type(const std::string& path, std::uint32_t type) {
  std::vector<Block> found;
  for (const Block& b : read_blocks(path))
    if (b.type == type) found.push_back(b);
  return found;
}

std::uint64_t now_ns() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
}

TEST_F(CaptureBlocksTest, TimesAreTheWallClocks) {
  constexpr std::uint64_t kClocksDiffer = 1'000'000;
  const std::uint64_t before = now_ns();
  CaptureOptions o = to_file();
  o.direction = CaptureDirection::kTx;
  Capture capture(ports_, o);
  for (const char* text : {"a", "b", "c"}) send(text);
  capture.stop();
  const std::uint64_t after = now_ns();
  receive_all();

  const std::vector<Block> frames = of_type(path(), test::kEnhancedPacket);
  ASSERT_EQ(frames.size(), 3U);
  std::uint64_t last = before - kClocksDiffer;
  for (const Block& frame : frames) {
    EXPECT_GE(time_at(frame, 4), last);
    last = time_at(frame, 4);
  }
  EXPECT_LE(last, after + kClocksDiffer);

  const std::vector<Block> counts = of_type(path(), test::kInterfaceStatistics);
  ASSERT_EQ(counts.size(), 1U);
  constexpr std::size_t kOptions = 12;
  const std::uint64_t start = time_at(counts[0], kOptions + 4);
  const std::uint64_t end = time_at(counts[0], kOptions + 12 + 4);
  ASSERT_EQ(word(counts[0], kOptions), 2U | 8U << 16) << "isb_starttime, of 8 bytes";
  ASSERT_EQ(word(counts[0], kOptions + 12), 3U | 8U << 16) << "isb_endtime, of 8 bytes";
  EXPECT_GE(start, before);
  EXPECT_GE(end, start);
  EXPECT_LE(end, after);
  EXPECT_EQ(time_at(counts[0], 4), end);
}

/// Each existing port has an interface in the file, in the order of the ports' numbers.
TEST_F(CaptureBlocksTest, FramesAndCountsNameThePortsInterface) {
  Loopback before_it, captured_one, after_it;
  test::FullPool pool(test::small_pool(64, 0));
  Port port({.id = captured_one.port_id()}, pool);
  port.start();
  {
    CaptureOptions o = to_file();
    o.direction = CaptureDirection::kTx;
    std::array<Port*, 1> ports{&port};
    Capture capture(ports, o);
    rte_mbuf* m = pool.try_acquire();
    const std::vector<std::uint8_t> frame = make("x", 9);
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    ASSERT_EQ(port.tx(0).send({&m, 1}), 1U);
    capture.stop();
  }
  port.drain();

  std::vector<std::string> names;
  for (const Block& interface : of_type(path(), test::kInterface)) {
    const auto all = options(interface, 8);
    ASSERT_TRUE(all.contains(2)) << "if_name";
    names.emplace_back(all.at(2).begin(), all.at(2).end());
  }
  const std::string ours = "dpdk:" + std::to_string(captured_one.port_id());
  for (const std::uint32_t type : {test::kEnhancedPacket, test::kInterfaceStatistics}) {
    const std::vector<Block> blocks = of_type(path(), type);
    ASSERT_EQ(blocks.size(), 1U);
    const std::uint32_t interface = word(blocks[0], 0);
    ASSERT_LT(interface, names.size());
    EXPECT_EQ(names[interface], ours);
  }
}

/// The port causes this error. The error must not say that the disk is full.
TEST_F(CaptureBlocksTest, PortThatDoesNotSayWhatItIsIsTheReason) {
  const Loopback other;
  test::OddDriver driver(other.port_id());
  driver.info_error = EIO;
  std::string why;
  try {
    const Capture capture(ports_, to_file());
  } catch (const Error& e) {
    why = e.what();
  }
  EXPECT_THAT(why, HasSubstr(path()));
  EXPECT_THAT(why, Not(HasSubstr("No space left")));
  EXPECT_FALSE(std::filesystem::exists(path())) << "it was made for this";
  driver.info_error = 0;
  Capture capture(ports_, to_file());
  send("x");
  capture.stop();
  EXPECT_THAT(captured(), ElementsAre("x"));
  receive_all();
}

}  // namespace
}  // namespace bab
