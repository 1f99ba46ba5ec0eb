#include "pcapng_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace testbab {
namespace {

// Block types and option codes, draft-ietf-opsawg-pcapng §4 and §11.1.
constexpr std::uint32_t kSectionHeader = PcapngReader::kMagic;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kObsoletePacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kTimeOffset = 14;

constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kMajorVersion = 1;
constexpr std::uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET

constexpr std::size_t kHead = 8;  // type and total length
constexpr std::size_t kTail = 4;  // the total length again
constexpr std::size_t kShortest = kHead + kTail;
constexpr std::size_t kSection = 16;  // byte order, version, the section's length
/// Longer than any frame with its options: what a broken length would have us keep in memory.
constexpr std::uint32_t kLongest = 16U << 20;

constexpr std::uint64_t kNsPerS = 1'000'000'000;

constexpr std::size_t padded(std::size_t bytes) noexcept { return (bytes + 3) / 4 * 4; }

}  // namespace

std::uint16_t PcapngReader::u16(Bytes at) const noexcept {
  return static_cast<std::uint16_t>(big_endian_ ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

std::uint32_t PcapngReader::u32(Bytes at) const noexcept {
  const std::uint32_t first = u16(at), second = u16(at.subspan(2));
  return big_endian_ ? first << 16 | second : second << 16 | first;
}

std::uint64_t PcapngReader::u64(Bytes at) const noexcept {
  const std::uint64_t first = u32(at), second = u32(at.subspan(4));
  return big_endian_ ? first << 32 | second : second << 32 | first;
}

PcapngReader::Read PcapngReader::fail(std::string why) {
  error_ = std::move(why);
  return Read::kFailed;
}

PcapngReader::Read PcapngReader::fail_cut_short() {
  if (std::ferror(file_) != 0) return fail(std::strerror(errno));
  cut_short_ = true;
  return fail("it ends in the middle of a block");
}

/// Appends to the block.
bool PcapngReader::fill(std::size_t bytes) {
  const std::size_t before = block_.size();
  block_.resize(before + bytes);
  const std::size_t n = std::fread(block_.data() + before, 1, bytes, file_);
  block_.resize(before + n);
  return n == bytes;
}

bool PcapngReader::pass_over(std::uint64_t bytes) {
  std::array<std::uint8_t, 4096> some;
  while (bytes > 0) {
    const std::size_t n = std::min<std::uint64_t>(bytes, some.size());
    if (std::fread(some.data(), 1, n, file_) != n) return false;
    bytes -= n;
  }
  return true;
}

PcapngReader::Read PcapngReader::next(CapturedFrame& frame) {
  if (!error_.empty()) return Read::kFailed;
  bool has_frame = false;
  while (!has_frame)
    if (const Read read = read_block(has_frame, frame); read != Read::kFrame) return read;
  return Read::kFrame;
}

/// kFrame: the block is good, whatever it holds.
PcapngReader::Read PcapngReader::read_block(bool& has_frame, CapturedFrame& frame) {
  block_.clear();
  if (!fill(kHead)) {
    if (block_.empty() && std::ferror(file_) == 0) return Read::kEnd;
    return fail_cut_short();
  }
  std::uint32_t type = u32(block_);
  std::uint32_t length = u32(Bytes(block_).subspan(4));
  const bool begins = type == kSectionHeader;  // reads the same in either byte order
  if (begins) {
    if (const Read read = begin_section(length); read != Read::kFrame) return read;
  } else if (!in_section_) {
    return fail("it doesn't begin with a section header");
  }
  if (length < kShortest || length % 4 != 0)
    return fail(fmt::format("a block of {} bytes; a block has {} or more, a multiple of 4", length,
                            kShortest));
  const bool holds_frame =
      type == kEnhancedPacket || type == kSimplePacket || type == kObsoletePacket;
  const bool wanted = holds_frame || type == kInterfaceDescription;
  if (wanted && length > kLongest)
    return fail(fmt::format("a block of {} bytes; {} is taken for the most", length, kLongest));
  if (length < block_.size() + kTail)
    return fail(fmt::format("a section header of {} bytes; it has {} or more", length,
                            kHead + kSection + kTail));
  const std::size_t rest = length - block_.size() - kTail;
  if (!(wanted ? fill(rest) : pass_over(rest))) return fail_cut_short();
  const std::size_t body_end = block_.size();
  if (!fill(kTail)) return fail_cut_short();
  if (const std::uint32_t again = u32(Bytes(block_).subspan(body_end)); again != length)
    return fail(fmt::format("a block says {} bytes in front and {} behind", length, again));
  const Bytes body = Bytes(block_).first(body_end).subspan(kHead);
  if (type == kInterfaceDescription) return add_interface(body);
  has_frame = holds_frame;
  return holds_frame ? take_frame(type, body, frame) : Read::kFrame;
}

PcapngReader::Read PcapngReader::begin_section(std::uint32_t& length) {
  if (!fill(kSection)) return fail_cut_short();
  const Bytes section = Bytes(block_).subspan(kHead);
  big_endian_ = false;
  if (u32(section) != kByteOrder) {
    big_endian_ = true;
    if (u32(section) != kByteOrder)
      return fail("a section header without pcapng's byte-order mark");
  }
  length = u32(Bytes(block_).subspan(4));
  if (const std::uint16_t major = u16(section.subspan(4)); major != kMajorVersion)
    return fail(fmt::format("it is of pcapng version {}.{}; {} is read", major,
                            u16(section.subspan(6)), kMajorVersion));
  interfaces_.clear();
  in_section_ = true;
  return Read::kFrame;
}

PcapngReader::Read PcapngReader::add_interface(Bytes body) {
  constexpr std::size_t kFixed = 8;
  if (body.size() < kFixed) return fail("an interface description that is too short");
  Interface interface;
  interface.link = u16(body);
  interface.snap_length = u32(body.subspan(4));
  const Read read = read_options(body.subspan(kFixed), interface);
  if (read == Read::kFrame) interfaces_.push_back(interface);
  return read;
}

PcapngReader::Read PcapngReader::read_options(Bytes options, Interface& interface) {
  while (options.size() >= 4) {
    const std::uint16_t code = u16(options);
    const std::size_t length = u16(options.subspan(2));
    if (code == kEndOfOptions) break;
    options = options.subspan(4);
    if (length > options.size())
      return fail("an option of an interface description that is longer than its block");
    if (code == kTimeResolution && length >= 1) {
      const bool is_binary = (options[0] & 0x80U) != 0;
      const unsigned exponent = options[0] & 0x7fU;
      if (exponent > (is_binary ? 63U : 19U))  // more ticks a second than 64 bits can count
        return fail(fmt::format("stamps in units of {}^-{} s; {}^-{} is the finest that is read",
                                is_binary ? 2 : 10, exponent, is_binary ? 2 : 10,
                                is_binary ? 63 : 19));
      interface.ticks_per_s = 1;
      for (unsigned i = 0; i < exponent; ++i) interface.ticks_per_s *= is_binary ? 2 : 10;
    } else if (code == kTimeOffset && length >= 8) {
      interface.offset_s = static_cast<std::int64_t>(u64(options));
    }
    options = options.subspan(std::min(padded(length), options.size()));
  }
  return Read::kFrame;
}

PcapngReader::Read PcapngReader::take_frame(std::uint32_t type, Bytes body, CapturedFrame& frame) {
  if (type == kSimplePacket) {
    constexpr std::size_t kFixed = 4;
    if (body.size() < kFixed) return fail("a simple packet block that is too short");
    if (interfaces_.empty()) return fail("a frame of interface 0, which isn't described");
    const std::uint32_t snap = interfaces_[0].snap_length;
    const std::uint32_t on_wire = u32(body);
    frame.time_ns = std::nullopt;
    return give(0, snap == 0 ? on_wire : std::min(on_wire, snap), body.subspan(kFixed), frame);
  }
  constexpr std::size_t kFixed = 20;
  if (body.size() < kFixed) return fail("a packet block that is too short");
  const std::uint32_t id = type == kEnhancedPacket ? u32(body) : u16(body);
  if (id >= interfaces_.size())
    return fail(fmt::format("a frame of interface {}, which isn't described", id));
  const std::uint64_t ticks =
      static_cast<std::uint64_t>(u32(body.subspan(4))) << 32 | u32(body.subspan(8));
  frame.time_ns = nanoseconds(interfaces_[id], ticks);
  return give(id, u32(body.subspan(12)), body.subspan(kFixed), frame);
}

PcapngReader::Read PcapngReader::give(std::uint32_t interface, std::uint32_t captured, Bytes data,
                                      CapturedFrame& frame) {
  if (captured > data.size())
    return fail(
        fmt::format("a frame of {} bytes in a block that has room for {}", captured, data.size()));
  frame.bytes = data.first(captured);
  frame.is_ethernet = interfaces_[interface].link == kEthernet;
  if (!frame.is_ethernet) other_link_ = interfaces_[interface].link;
  return Read::kFrame;
}

std::uint64_t PcapngReader::nanoseconds(const Interface& interface, std::uint64_t ticks) noexcept {
  const std::uint64_t seconds = ticks / interface.ticks_per_s;
  const std::uint64_t rest = ticks % interface.ticks_per_s;
  __extension__ using Wide = unsigned __int128;  // a rest of 10^19 - 1 ticks times 10^9
  const auto part =
      static_cast<std::uint64_t>(static_cast<Wide>(rest) * kNsPerS / interface.ticks_per_s);
  return (seconds + static_cast<std::uint64_t>(interface.offset_s)) * kNsPerS + part;
}

}  // namespace testbab
