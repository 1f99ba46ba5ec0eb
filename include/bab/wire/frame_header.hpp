#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include <rte_mbuf_core.h>

#include <bab/wire/checksum.hpp>
#include <bab/wire/endian.hpp>
#include <bab/wire/ethernet.hpp>
#include <bab/wire/ipv4_udp.hpp>
#include <bab/wire/moldudp64.hpp>

namespace bab::wire {

/// Where a checksum of outgoing frames is computed.
enum class ChecksumBy : std::uint8_t {
  kNone,      ///< nowhere; UDP only: the field is 0 on the wire
  kSoftware,  ///< by the library, in stamp()
  kDevice,    ///< by the NIC; stamp() puts the sum of the pseudo header into the UDP field
};

/// Where the 802.1Q tag gets into outgoing frames.
enum class TagBy : std::uint8_t {
  kSoftware,  ///< by the library: the tag is part of the headers
  kDevice,    ///< by the NIC, from the frame's descriptor
};

struct FrameHeaderOptions {
  MacAddress source_mac{};
  MacAddress destination_mac{};
  std::optional<std::uint16_t> vlan_id{};  ///< id of the 802.1Q tag, 0 … 4094; none: no tag
  std::uint32_t source_ip = 0;             ///< addresses and ports in host byte order
  std::uint32_t destination_ip = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t ttl = 64;
  Session session{};
  ChecksumBy ip_checksum = ChecksumBy::kSoftware;  ///< kSoftware or kDevice
  ChecksumBy udp_checksum = ChecksumBy::kSoftware;
  TagBy vlan_tag = TagBy::kSoftware;
};

/// The headers of one stream's frames, from Ethernet to MoldUDP64, as one template: to stamp a
/// frame is to copy the template and to store six fields. The IPv4 header has DF set and
/// identification 0 (RFC 6864 §4.1). Any lcore may stamp.
class FrameHeader {
 public:
  static constexpr std::size_t kMaxBytes =
      kEthernetBytes + kVlanBytes + kIpv4Bytes + kUdpBytes + kMoldBytes;

  /// Throws Error when the VLAN id is above 4094.
  explicit FrameHeader(const FrameHeaderOptions& options);

  /// Bytes of headers before the first message block: 62, or 66 with an 802.1Q tag that software
  /// inserts.
  [[nodiscard]] std::uint16_t size() const noexcept { return size_; }
  [[nodiscard]] Session session() const noexcept {
    return load_mold(template_.data() + size_ - kMoldBytes).session;
  }
  /// Bytes of the Ethernet header in memory: 14, or 18 with an 802.1Q tag that software inserts.
  [[nodiscard]] std::uint16_t l2_size() const noexcept { return ip_; }

  /// Bytes of message blocks (2-byte lengths included) that fit a frame on a port with this MTU, in
  /// bytes of IP packet. 0: the MTU has no room for them.
  [[nodiscard]] static constexpr std::uint32_t payload_capacity(std::uint32_t mtu) noexcept {
    constexpr std::uint32_t kOverhead = kIpv4Bytes + kUdpBytes + kMoldBytes;
    constexpr std::uint32_t kLongest = 0xffff;  // the IPv4 total length has 16 bits
    return mtu > kLongest ? kLongest - kOverhead : mtu > kOverhead ? mtu - kOverhead : 0;
  }

  /// Writes the headers at `frame`, for `payload` bytes of message blocks that are already in place
  /// behind the headers (a software UDP checksum reads the blocks). `sequence`: sequence number of
  /// the first message. `count`: messages.
  void stamp(std::uint8_t* frame, std::uint32_t payload, std::uint64_t sequence,
             std::uint16_t count) const noexcept {
    // With constant lengths memcpy is inlined; with size_ bytes it is a call.
    if (size_ == kMaxBytes)
      std::memcpy(frame, template_.data(), kMaxBytes);
    else
      std::memcpy(frame, template_.data(), kMaxBytes - kVlanBytes);
    std::uint8_t* ip = frame + ip_;
    std::uint8_t* udp = ip + kIpv4Bytes;
    const auto udp_len = static_cast<std::uint16_t>(kUdpBytes + kMoldBytes + payload);
    const auto ip_len = static_cast<std::uint16_t>(kIpv4Bytes + udp_len);
    store_be(ip + Ipv4Offset::kTotalLength, ip_len);
    store_be(udp + UdpOffset::kLength, udp_len);
    store_be(udp + kUdpBytes + 10, sequence);
    store_be(udp + kUdpBytes + 18, count);
    if (ip_by_ == ChecksumBy::kSoftware) {
      std::uint8_t length[2];
      store_be(length, ip_len);
      put(ip + Ipv4Offset::kChecksum, finish(ip_sum_ + sum_bytes(length, 2)));
    }
    if (udp_by_ == ChecksumBy::kSoftware)
      put(udp + UdpOffset::kChecksum, udp_checksum(ip, udp, udp_len));
    else if (udp_by_ == ChecksumBy::kDevice)
      put(udp + UdpOffset::kChecksum, fold(pseudo_header_sum(ip, udp_len)));
  }

  /// The same for the frame in `m`. Where headers leave work to the device (checksums, a tag), the
  /// mbuf also gets TX offload flags, header lengths and the tag.
  void stamp(rte_mbuf* m, std::uint32_t payload, std::uint64_t sequence,
             std::uint16_t count) const noexcept {
    stamp(rte_pktmbuf_mtod(m, std::uint8_t*), payload, sequence, count);
    if (tx_flags_ == 0) return;
    m->l2_len = ip_ & 0x7f;  // a bit field of 7 bits
    m->l3_len = kIpv4Bytes;
    m->ol_flags = tx_flags_;
    m->vlan_tci = device_tci_;
  }

  [[nodiscard]] ChecksumBy ip_checksum_by() const noexcept { return ip_by_; }
  [[nodiscard]] ChecksumBy udp_checksum_by() const noexcept { return udp_by_; }
  /// The tag that the device inserts (priority 0, VLAN id); none: it inserts no tag.
  [[nodiscard]] std::optional<std::uint16_t> device_tag() const noexcept {
    if ((tx_flags_ & RTE_MBUF_F_TX_VLAN) == 0) return std::nullopt;
    return device_tci_;
  }

 private:
  static void put(std::uint8_t* at, std::uint16_t memory_order) noexcept {
    std::memcpy(at, &memory_order, sizeof memory_order);
  }

  std::array<std::uint8_t, kMaxBytes> template_{};
  std::uint16_t size_ = 0;
  std::uint16_t ip_ = 0;  // offset of the IPv4 header, in bytes
  ChecksumBy ip_by_;
  ChecksumBy udp_by_;
  std::uint16_t device_tci_ = 0;
  std::uint64_t tx_flags_ = 0;  // RTE_MBUF_F_TX_*: the device's work
  std::uint64_t ip_sum_ = 0;    // over the template's IPv4 header, with total length and checksum 0
};

}  // namespace bab::wire
