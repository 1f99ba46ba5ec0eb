#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bab::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// Memory of exactly a frame's size: AddressSanitizer sees a read past its end.
class Exact {
 public:
  explicit Exact(const Bytes& frame)
      : data_(std::make_unique<std::uint8_t[]>(frame.size())), size_(frame.size()) {
    std::copy(frame.begin(), frame.end(), data_.get());
  }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_;
};

/// The Internet checksum as in RFC 1071 §1: big-endian 16-bit words, one after another, and each
/// carry added at once. Slow. It shares no code with bab.
inline std::uint16_t slow_checksum(std::span<const std::uint8_t> data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    sum += i % 2 == 0 ? data[i] * 256U : data[i];
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(0xffff - sum);
}

/// RFC 768: over a pseudo header of addresses, protocol and length, and the datagram.
inline std::uint16_t slow_udp_checksum(std::span<const std::uint8_t> addresses,
                                       std::span<const std::uint8_t> datagram) {
  Bytes all(addresses.begin(), addresses.end());
  const auto len = static_cast<std::uint16_t>(datagram.size());
  for (int b : {0, 17, len >> 8, len & 0xff}) all.push_back(static_cast<std::uint8_t>(b));
  all.insert(all.end(), datagram.begin(), datagram.end());
  return slow_checksum(all);
}

/// A frame made byte by byte. The default is valid; every field can get a wrong value.
struct MadeFrame {
  std::vector<std::uint16_t> tags;  ///< 802.1Q tags, outermost first: priority and id
  std::uint16_t ether_type = 0x0800;
  unsigned version = 4;
  std::optional<unsigned> ihl;  ///< 32-bit words
  Bytes ip_options;             ///< a multiple of 4 bytes
  std::optional<std::uint16_t> ip_length;
  std::uint16_t fragment = 0x4000;
  std::uint8_t ttl = 64;
  std::uint8_t protocol = 17;
  std::optional<std::uint16_t> ip_checksum;
  std::uint32_t source_ip = 0xc6336401, destination_ip = 0xc6336402;  // 198.51.100.1 and .2
  std::uint16_t source_port = 4660, destination_port = 26477;
  std::optional<std::uint16_t> udp_length;
  std::optional<std::uint16_t> udp_checksum;
  std::string session = "DAY0000001";
  std::uint64_t sequence = 1;
  std::optional<std::uint16_t> count;
  std::vector<Bytes> messages{bytes_of("never gonna"), bytes_of("give")};
  Bytes tail;               ///< after the last message block, within the UDP length
  std::size_t padding = 0;  ///< after the IP packet

  [[nodiscard]] Bytes bytes() const {
    Bytes mold = bytes_of(session);
    append(mold, sequence, 8);
    append(mold, count.value_or(static_cast<std::uint16_t>(messages.size())), 2);
    for (const Bytes& m : messages) {
      append(mold, m.size(), 2);
      mold.insert(mold.end(), m.begin(), m.end());
    }
    mold.insert(mold.end(), tail.begin(), tail.end());

    Bytes addresses;
    append(addresses, source_ip, 4);
    append(addresses, destination_ip, 4);

    Bytes udp;
    append(udp, source_port, 2);
    append(udp, destination_port, 2);
    append(udp, udp_length.value_or(static_cast<std::uint16_t>(8 + mold.size())), 2);
    append(udp, 0, 2);
    udp.insert(udp.end(), mold.begin(), mold.end());
    std::uint16_t sum = slow_udp_checksum(addresses, udp);
    if (sum == 0) sum = 0xffff;
    put(udp, 6, udp_checksum.value_or(sum));

    Bytes ip;
    const unsigned words = ihl.value_or(static_cast<unsigned>(5 + ip_options.size() / 4));
    append(ip, version << 4 | words, 1);
    append(ip, 0, 1);
    append(ip, ip_length.value_or(static_cast<std::uint16_t>(20 + ip_options.size() + udp.size())),
           2);
    append(ip, 0, 2);
    append(ip, fragment, 2);
    append(ip, ttl, 1);
    append(ip, protocol, 1);
    append(ip, 0, 2);
    ip.insert(ip.end(), addresses.begin(), addresses.end());
    ip.insert(ip.end(), ip_options.begin(), ip_options.end());
    put(ip, 10, ip_checksum.value_or(slow_checksum(ip)));

    Bytes frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    for (std::uint16_t tag : tags) {
      append(frame, 0x8100, 2);
      append(frame, tag, 2);
    }
    append(frame, ether_type, 2);
    frame.insert(frame.end(), ip.begin(), ip.end());
    frame.insert(frame.end(), udp.begin(), udp.end());
    frame.insert(frame.end(), padding, 0xee);
    return frame;
  }

 private:
  static void append(Bytes& to, std::uint64_t value, int width) {
    for (int i = width - 1; i >= 0; --i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  static void put(Bytes& to, std::size_t at, std::uint16_t value) {
    to[at] = static_cast<std::uint8_t>(value >> 8);
    to[at + 1] = static_cast<std::uint8_t>(value);
  }
};

}  // namespace bab::test
