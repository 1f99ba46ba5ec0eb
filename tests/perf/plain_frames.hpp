#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include <rte_mbuf.h>

#include <bab/wire/frame_header.hpp>

namespace bench {

/// The sending half of a program that is written by hand for one job, without a library. The
/// messages have one size, and stand one after the other in frames like bab's.
class PlainFrame {
 public:
  PlainFrame(std::uint32_t payload_bytes, std::uint32_t len) noexcept
      : count_(payload_bytes / (len + 2)), len_(len) {
    bab::wire::FrameHeader({.source_ip = 0xc6120001,
                            .destination_ip = 0xc6120002,
                            .source_port = 9,
                            .destination_port = 9,
                            .session = bab::wire::make_session("TESTBAB"),
                            .udp_checksum = bab::wire::ChecksumBy::kNone})
        .stamp(headers_.data(), count_ * (len + 2), 0, static_cast<std::uint16_t>(count_));
  }

  [[nodiscard]] std::uint32_t messages() const noexcept { return count_; }

  /// Fills `m` with messages, numbered from `sequence` on. `fill(at, len, sequence)` writes each
  /// one.
  template <class Fill>
  void write(rte_mbuf* m, std::uint64_t sequence, const Fill& fill) const noexcept {
    auto* at = rte_pktmbuf_mtod(m, std::uint8_t*);
    std::memcpy(at, headers_.data(), headers_.size());
    bab::wire::store_be(at + 52, sequence);  // only this field differs, because all frames are full
    at += headers_.size();
    for (std::uint64_t s = sequence; s < sequence + count_; ++s) {
      bab::wire::store_be(at, static_cast<std::uint16_t>(len_));
      fill(at + 2, len_, s);
      at += 2 + len_;
    }
    m->data_len = static_cast<std::uint16_t>(headers_.size() + count_ * (len_ + 2));
    m->pkt_len = m->data_len;
  }

 private:
  std::array<std::uint8_t, 62> headers_{};
  std::uint32_t count_;
  std::uint32_t len_;
};

}  // namespace bench
