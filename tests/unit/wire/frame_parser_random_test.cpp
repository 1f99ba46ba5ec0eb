#include <cstdint>
#include <random>

#include <gtest/gtest.h>

#include <bab/wire/frame_parser.hpp>

#include "against_naive.hpp"
#include "made_frame.hpp"
#include "seed.hpp"

namespace bab {
namespace {

using test::Bytes;
using test::MadeFrame;

/// Makes random frames, to test cases that nobody thought of.
class RandomFrames {
 public:
  explicit RandomFrames(std::uint64_t seed) : source_(seed) {}

  std::uint64_t below(std::uint64_t n) { return source_() % n; }

  MadeFrame valid() {
    MadeFrame f;
    if (below(3) == 0) f.tags = {static_cast<std::uint16_t>(below(65536))};
    if (below(3) == 0) f.ip_options.assign(4 * below(11), static_cast<std::uint8_t>(below(2)));
    if (below(3) == 0) f.padding = below(40);
    if (below(3) == 0) f.udp_checksum = 0;
    if (below(9) == 0) f.destination_port = 0;
    f.sequence = source_();
    f.messages.resize(below(6));
    for (Bytes& m : f.messages) {
      m.resize(below(4) == 0 ? 0 : below(50));
      for (std::uint8_t& b : m) b = static_cast<std::uint8_t>(below(256));
    }
    if (f.messages.empty() && below(2) == 0) f.count = 0xffff;
    return f;
  }

  /// A frame with one to three small changes: a bit, a byte, a length that is a little wrong, bytes
  /// cut off, added or moved.
  Bytes wrong() {
    MadeFrame f = valid();
    switch (below(8)) {
      case 0:
        f.count = static_cast<std::uint16_t>(f.messages.size() + below(3) - 1);
        break;
      case 1:
        f.tail.assign(below(5), 0);
        break;
      case 2:
        f.protocol = static_cast<std::uint8_t>(below(20));
        break;
      case 3:
        f.fragment = static_cast<std::uint16_t>(below(4) << 12 | below(3));
        break;
      case 4:
        f.ihl = static_cast<unsigned>(below(16));
        break;
      case 5:
        f.version = static_cast<unsigned>(below(16));
        break;
      default:
        break;
    }
    Bytes frame = f.bytes();
    for (std::uint64_t n = below(3); n > 0 && !frame.empty(); --n) {
      const std::size_t at = below(frame.size());
      switch (below(5)) {
        case 0:
          frame[at] ^= static_cast<std::uint8_t>(1U << below(8));
          break;
        case 1:
          frame[at] = static_cast<std::uint8_t>(below(256));
          break;
        case 2:
          frame.resize(at);
          break;
        case 3:
          frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), 1, 0);
          break;
        default:
          frame[at] = static_cast<std::uint8_t>(frame[at] + below(3) - 1);
          break;
      }
    }
    return frame;
  }

 private:
  std::mt19937_64 source_;
};

TEST(FrameParserRandom, AgreesWithANaiveParser) {
  const std::uint64_t seed = test::printed_seed();
  RandomFrames random(seed);
  unsigned accepted = 0;
  for (int i = 0; i < 30'000; ++i) {
    const Bytes frame = random.below(4) == 0 ? random.valid().bytes() : random.wrong();
    const wire::ChecksumRules rules{random.below(4) == 0, random.below(4) == 0};
    const std::uint16_t port = random.below(4) == 0 ? 26477 : 0;
    ASSERT_EQ(test::disagreement(test::Exact(frame).bytes(), rules, port), "")
        << "frame " << i << " of seed " << seed << ": " << testing::PrintToString(frame);
    wire::ParsedFrame out;
    accepted += wire::parse_frame(frame, rules, port, out) == Drop::kNone;
  }
  EXPECT_GT(accepted, 5'000U) << "most frames are broken beyond the first check";
}

}  // namespace
}  // namespace bab
