#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include <bab/base/drops.hpp>

#include "made_frame.hpp"

namespace bab::test {

/// The result of a slow parser that copies everything. Either the faults that it sees (a frame may
/// have several, and bab may name any of them as the reason), or the messages.
struct NaiveFrame {
  std::set<Drop> faults;
  Bytes session;
  std::uint64_t sequence = 0;
  std::uint64_t count = 0;
  std::vector<Bytes> messages;
};

/// Takes bytes from the front: as many as asked for, or none.
class NaiveReader {
 public:
  explicit NaiveReader(Bytes data) : data_(std::move(data)) {}

  [[nodiscard]] std::size_t left() const { return data_.size() - at_; }

  std::optional<Bytes> take(std::size_t n) {
    if (n > left()) return std::nullopt;
    Bytes taken;
    while (n-- > 0) taken.push_back(data_.at(at_++));
    return taken;
  }

 private:
  Bytes data_;
  std::size_t at_ = 0;
};

inline std::uint64_t number(const Bytes& from, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value * 256 + from.at(at + i);
  return value;
}

inline Bytes slice(const Bytes& from, std::size_t begin, std::size_t end) {
  Bytes part;
  for (std::size_t i = begin; i < end; ++i) part.push_back(from.at(i));
  return part;
}

/// The messages of a MoldUDP64 packet, if its blocks are exactly `count` messages.
inline std::optional<std::vector<Bytes>> naive_blocks(const Bytes& blocks, std::uint64_t count) {
  NaiveReader reader(blocks);
  std::vector<Bytes> messages;
  while (reader.left() > 0) {
    const auto length = reader.take(2);
    if (!length) return std::nullopt;
    auto message = reader.take(number(*length, 0, 2));
    if (!message) return std::nullopt;
    messages.push_back(*message);
  }
  if (messages.size() != count) return std::nullopt;
  return messages;
}

inline NaiveFrame naive_parse(std::span<const std::uint8_t> data, bool verify_ip, bool verify_udp,
                              std::uint16_t udp_port) {
  NaiveFrame result;
  const auto fault = [&](Drop reason) -> NaiveFrame& {
    result.faults.insert(reason);
    return result;
  };

  // Ethernet, at most one tag.
  NaiveReader frame(Bytes(data.begin(), data.end()));
  if (!frame.take(12)) return fault(Drop::kTruncated);
  auto type = frame.take(2);
  if (!type) return fault(Drop::kTruncated);
  if (number(*type, 0, 2) == 0x8100) {
    if (!frame.take(2)) return fault(Drop::kTruncated);
    type = frame.take(2);
    if (!type) return fault(Drop::kTruncated);
  }
  if (number(*type, 0, 2) != 0x0800) return fault(Drop::kNotIp);

  // IPv4.
  auto fixed = frame.take(20);
  if (!fixed) return fault(Drop::kTruncated);
  const std::uint64_t version = fixed->at(0) / 16;
  const std::uint64_t header_bytes = fixed->at(0) % 16 * 4;
  const std::uint64_t total = number(*fixed, 2, 2);
  if (version != 4 || header_bytes < 20 || total < header_bytes) return fault(Drop::kBadIpHeader);
  const auto options = frame.take(header_bytes - 20);
  if (!options) return fault(Drop::kTruncated);
  const auto datagram = frame.take(total - header_bytes);  // the rest is padding
  if (!datagram) return fault(Drop::kTruncated);
  Bytes header = *fixed;
  header.insert(header.end(), options->begin(), options->end());
  if (verify_ip && slow_checksum(header) != 0) fault(Drop::kBadIpChecksum);
  if (number(header, 6, 2) % 0x4000 != 0) fault(Drop::kIpFragment);
  if (header.at(9) != 17) fault(Drop::kNotUdp);
  if (!result.faults.empty()) return result;

  // UDP.
  if (datagram->size() < 8) return fault(Drop::kTruncated);
  if (number(*datagram, 4, 2) != datagram->size()) return fault(Drop::kBadUdpLength);
  if (verify_udp && number(*datagram, 6, 2) != 0 &&
      slow_udp_checksum(slice(header, 12, 20), *datagram) != 0)
    fault(Drop::kBadUdpChecksum);
  if (udp_port != 0 && number(*datagram, 2, 2) != udp_port) fault(Drop::kOtherPort);

  // MoldUDP64.
  if (datagram->size() < 8 + 20) return fault(Drop::kMalformed);
  result.session = slice(*datagram, 8, 18);
  result.sequence = number(*datagram, 18, 8);
  result.count = number(*datagram, 26, 2);
  const auto messages = naive_blocks(slice(*datagram, 28, datagram->size()),
                                     result.count == 0xffff ? 0 : result.count);
  if (!messages) return fault(Drop::kMalformed);
  result.messages = *messages;
  return result;
}

}  // namespace bab::test
