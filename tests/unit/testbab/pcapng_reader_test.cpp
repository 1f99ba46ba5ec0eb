#include "pcapng_reader.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Octets = std::vector<std::uint8_t>;

/// A pcapng file, written field by field, in either byte order.
class PcapngFile {
 public:
  explicit PcapngFile(bool big_endian = false) : big_endian_(big_endian) { section(); }

  PcapngFile& section(std::uint16_t major = 1) {
    Octets body;
    put(body, 0x1a2b3c4d, 4);
    put(body, major, 2);
    put(body, 0, 2);
    put(body, ~std::uint64_t{0}, 8);  // -1: the section's length isn't known
    return block(0x0a0d0d0a, body);
  }
  PcapngFile& switch_order() {
    big_endian_ = !big_endian_;
    return section();
  }
  PcapngFile& interface(std::uint16_t link = 1, std::uint32_t snap = 262144, Octets options = {}) {
    Octets body;
    put(body, link, 2);
    put(body, 0, 2);
    put(body, snap, 4);
    body.insert(body.end(), options.begin(), options.end());
    return block(1, body);
  }
  Octets option(std::uint16_t code, const Octets& value) const {
    Octets all;
    put(all, code, 2);
    put(all, value.size(), 2);
    all.insert(all.end(), value.begin(), value.end());
    all.resize((all.size() + 3) / 4 * 4);
    return all;
  }
  Octets number(std::uint64_t value, unsigned n) const {
    Octets all;
    put(all, value, n);
    return all;
  }
  PcapngFile& frame(std::uint32_t interface, std::uint64_t ticks, const std::string& text,
                    std::optional<std::uint32_t> captured = std::nullopt) {
    Octets body;
    put(body, interface, 4);
    return stamped(6, body, ticks, text, captured);
  }
  PcapngFile& obsolete_frame(std::uint16_t interface, std::uint64_t ticks,
                             const std::string& text) {
    Octets body;
    put(body, interface, 2);
    put(body, 7, 2);  // count of frames dropped before this one
    return stamped(2, body, ticks, text, std::nullopt);
  }
  PcapngFile& simple_frame(const std::string& text, std::uint32_t on_wire) {
    Octets body;
    put(body, on_wire, 4);
    pad(body, text);
    return block(3, body);
  }
  PcapngFile& block(std::uint32_t type, const Octets& body,
                    std::optional<std::uint32_t> behind = std::nullopt) {
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    put(bytes, type, 4);
    put(bytes, length, 4);
    bytes.insert(bytes.end(), body.begin(), body.end());
    put(bytes, behind.value_or(length), 4);
    return *this;
  }
  void put(Octets& to, std::uint64_t value, unsigned n) const {
    for (unsigned i = 0; i < n; ++i)
      to.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian_ ? n - 1 - i : i)));
  }

  Octets bytes;

 private:
  static void pad(Octets& to, const std::string& text) {
    to.insert(to.end(), text.begin(), text.end());
    to.resize((to.size() + 3) / 4 * 4);
  }
  PcapngFile& stamped(std::uint32_t type, Octets body, std::uint64_t ticks, const std::string& text,
                      std::optional<std::uint32_t> captured) {
    put(body, ticks >> 32, 4);
    put(body, ticks & 0xffffffff, 4);
    put(body, captured.value_or(static_cast<std::uint32_t>(text.size())), 4);
    put(body, text.size(), 4);
    pad(body, text);
    return block(type, body);
  }

  bool big_endian_;
};

/// The frames of a file, as "text@nanoseconds", with " (other)" if the link isn't Ethernet; and the
/// error.
struct Given {
  std::vector<std::string> frames;
  std::string error;
};

Given read(const Octets& bytes) {
  // Memory of exactly the file's length: AddressSanitizer then reports a read past the end.
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  Given given;
  if (bytes.empty()) return given;
  std::FILE* file = fmemopen(exact.get(), bytes.size(), "r");
  PcapngReader reader(file);
  CapturedFrame frame;
  while (reader.next(frame) == PcapngReader::Read::kFrame)
    given.frames.push_back(std::string(frame.bytes.begin(), frame.bytes.end()) + "@" +
                           (frame.time_ns ? std::to_string(*frame.time_ns) : "-") +
                           (frame.is_ethernet ? "" : " (other)"));
  given.error = reader.error();
  EXPECT_EQ(reader.next(frame) == PcapngReader::Read::kFailed, !given.error.empty());
  std::fclose(file);
  return given;
}

TEST(PcapngReader, ReadsFramesOfEitherByteOrder) {
  for (const bool big : {false, true}) {
    PcapngFile file(big);
    file.interface().frame(0, 1'700'000'000'000'001, "abcde").frame(0, 0x1'0000'0002, "");
    const Given given = read(file.bytes);
    EXPECT_THAT(given.error, IsEmpty());
    EXPECT_THAT(given.frames, ElementsAre("abcde@1700000000000001000", "@4294967298000"));
  }
}

TEST(PcapngReader, InterfacesMayDiffer) {
  PcapngFile file;
  file.interface(1, 262144).interface(1, 65535).interface(113).frame(0, 1, "a").frame(1, 2, "b");
  file.frame(2, 3, "cooked");
  EXPECT_THAT(read(file.bytes).frames, ElementsAre("a@1000", "b@2000", "cooked@3000 (other)"));
}

TEST(PcapngReader, SectionsMayDiffer) {
  PcapngFile file;
  file.interface().interface().frame(1, 1, "little");
  file.switch_order().interface().frame(0, 2, "big");
  EXPECT_THAT(read(file.bytes).frames, ElementsAre("little@1000", "big@2000"));
  file.frame(1, 3, "of the first section's second interface");
  const Given given = read(file.bytes);
  EXPECT_EQ(given.frames.size(), 2U);
  EXPECT_THAT(given.error, HasSubstr("interface 1, which isn't described"));
}

TEST(PcapngReader, ReadsEachUnitOfTime) {
  PcapngFile file;
  const auto unit = [&](std::uint8_t resolution) { return file.option(9, {resolution}); };
  file.interface(1, 0, unit(9)).interface(1, 0, unit(0)).interface(1, 0, unit(0x80 | 10));
  file.interface(1, 0, unit(19)).interface(1, 0, unit(0x80 | 63));
  file.frame(0, 1'000'000'001, "ns").frame(1, 3, "s").frame(2, 1536, "1/1024 s");
  file.frame(3, 9'999'999'999'999'999'999U, "10^-19 s").frame(4, std::uint64_t{3} << 62, "2^-63 s");
  EXPECT_THAT(read(file.bytes).frames,
              ElementsAre("ns@1000000001", "s@3000000000", "1/1024 s@1500000000",
                          "10^-19 s@999999999", "2^-63 s@1500000000"));
  EXPECT_THAT(read(PcapngFile().interface(1, 0, unit(20)).bytes).error, HasSubstr("10^-20 s"));
  EXPECT_THAT(read(PcapngFile().interface(1, 0, unit(0x80 | 64)).bytes).error,
              HasSubstr("2^-64 s"));
}

TEST(PcapngReader, AddsTheClocksOffset) {
  PcapngFile file;
  Octets options = file.option(2, {'e', 't', 'h'});
  for (std::uint8_t byte : file.option(14, file.number(100, 8))) options.push_back(byte);
  for (std::uint8_t byte : file.option(0, {})) options.push_back(byte);
  for (std::uint8_t byte : file.option(9, {9})) options.push_back(byte);  // after the options' end
  file.interface(1, 0, options).frame(0, 1, "x");
  EXPECT_THAT(read(file.bytes).frames, ElementsAre("x@100000001000"));
}

TEST(PcapngReader, ReadsSimpleAndObsoletePackets) {
  PcapngFile file;
  file.interface(1, 4).obsolete_frame(0, 5, "old").simple_frame("simp", 900);
  file.simple_frame("si", 2);
  EXPECT_THAT(read(file.bytes).frames, ElementsAre("old@5000", "simp@-", "si@-"));
}

TEST(PcapngReader, PassesOverWhatHoldsNoFrame) {
  PcapngFile file;
  file.block(4, Octets(8)).interface().block(0xbad, Octets(20'000)).frame(0, 1, "a");
  EXPECT_THAT(read(file.bytes).frames, ElementsAre("a@1000"));
}

TEST(PcapngReader, RefusesWhatIsWrong) {
  const auto error = [](PcapngFile& file) { return read(file.bytes).error; };
  PcapngFile none;
  EXPECT_THAT(error(none.frame(0, 1, "a")), HasSubstr("interface 0, which isn't described"));
  EXPECT_THAT(error(PcapngFile().simple_frame("a", 1)), HasSubstr("interface 0"));
  EXPECT_THAT(error(PcapngFile().interface().frame(0, 1, "abcd", 5)),
              HasSubstr("a frame of 5 bytes in a block that has room for 4"));
  EXPECT_THAT(error(PcapngFile().interface().simple_frame("abcd", 5)), HasSubstr("5 bytes"));
  EXPECT_THAT(error(PcapngFile().section(2)), HasSubstr("version 2.0"));
  EXPECT_THAT(error(PcapngFile().block(1, Octets(4))), HasSubstr("too short"));
  EXPECT_THAT(error(PcapngFile().interface().block(6, Octets(16))), HasSubstr("too short"));
  EXPECT_THAT(error(PcapngFile().interface().block(3, {})), HasSubstr("too short"));
  EXPECT_THAT(error(PcapngFile().block(9, Octets(4), 20)), HasSubstr("16 bytes in front and 20"));
  EXPECT_THAT(error(PcapngFile().block(9, Octets(3))), HasSubstr("a block of 15 bytes"));
  PcapngFile long_option;
  EXPECT_THAT(error(long_option.interface(1, 0, {9, 0, 40, 0})),
              HasSubstr("longer than its block"));
  const Octets no_section{1, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0};
  EXPECT_THAT(read(no_section).error, HasSubstr("section header"));
  Octets no_order = PcapngFile().bytes;
  no_order[8] = 0;
  EXPECT_THAT(read(no_order).error, HasSubstr("byte-order"));
  Octets short_section = PcapngFile().bytes;
  short_section[4] = 24;
  EXPECT_THAT(read(short_section).error, HasSubstr("a section header of 24 bytes"));
}

/// Memory is allocated for the bytes that exist, not for a length in the file.
TEST(PcapngReader, DoesNotTrustALength) {
  PcapngFile file;
  file.interface();
  file.put(file.bytes, 6, 4);
  file.put(file.bytes, 0xfffffffc, 4);
  EXPECT_THAT(read(file.bytes).error, HasSubstr("4294967292 bytes"));
}

TEST(PcapngReader, SaysWhereItWasCutShort) {
  PcapngFile file;
  file.interface().frame(0, 1, "whole").frame(0, 2, "cut");
  std::size_t whole = 0;
  for (std::size_t n = 1; n < file.bytes.size(); ++n) {
    const Given given = read(Octets(file.bytes.begin(), file.bytes.begin() + n));
    if (given.error.empty())
      ++whole;  // cut between two blocks
    else
      EXPECT_EQ(given.error, "it ends in the middle of a block") << n;
    EXPECT_LE(given.frames.size(), 1U);
  }
  EXPECT_EQ(whole, 3U);
}

}  // namespace
}  // namespace testbab
