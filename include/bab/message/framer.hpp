#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <bab/base/drops.hpp>
#include <bab/memory/packet.hpp>
#include <bab/wire/frame_parser.hpp>
#include <bab/wire/locate_udp.hpp>
#include <bab/wire/message_range.hpp>

namespace bab {

/// Whether a received frame's checksums are looked at, and where. UNKNOWN from a NIC is not GOOD:
/// what it did not check is checked here. NONE is as good as GOOD: the bytes were verified and the
/// field left unfinished, as in a datagram that a sender in the same machine left to its NIC
/// (virtio).
enum class VerifyChecksums : std::uint8_t {
  kOff,
  kSoftware,        ///< always here
  kDeviceThenHere,  ///< the NIC's word where it gives one, else here
};

struct FramerOptions {
  VerifyChecksums checksums = VerifyChecksums::kDeviceThenHere;
  std::uint16_t udp_port = 0;  ///< destination port of ours; 0: any
  /// Frames that aren't plain buffers of a bab pool are copied into this one: those that a driver
  /// split over several buffers, mbufs of the application's own mempools, indirect ones, those with
  /// external memory. Its buffers must hold a whole frame. Null: into the mbuf's own pool, where
  /// that is one of bab's and has room; other frames are dropped.
  BufferPool* copies = nullptr;
};

struct FramerStats {
  std::uint64_t frames = 0;    ///< valid ones, heartbeats included
  std::uint64_t messages = 0;  ///< in valid frames
  std::uint64_t bytes = 0;     ///< of those messages, without their length prefixes
  /// Good or not, copied out of several buffers into one: each costs what larger receive buffers
  /// would save.
  std::uint64_t gathered = 0;
  std::uint64_t copied = 0;  ///< the same of other mbufs that weren't plain (FramerOptions::copies)
};

/// A valid frame on the lcore that received it: gives its messages as Packets into the RX mbuf, in
/// order, without a copy. Empty when the frame was dropped. Holds the buffer while it is there.
class ReceivedFrame {
 public:
  ReceivedFrame() noexcept = default;
  ReceivedFrame(ReceivedFrame&& other) noexcept
      : source_(std::move(other.source_)),
        header_(other.header_),
        at_(other.at_),
        left_(std::exchange(other.left_, 0U)),
        ahead_(other.ahead_),
        ahead_end_(other.ahead_end_) {}
  ReceivedFrame& operator=(ReceivedFrame&& other) noexcept {
    const std::uint32_t left = std::exchange(other.left_, 0U);
    source_ = std::move(other.source_);
    header_ = other.header_;
    at_ = other.at_;
    left_ = left;
    ahead_ = other.ahead_;
    ahead_end_ = other.ahead_end_;
    return *this;
  }
  ReceivedFrame(PacketSource source, const wire::ParsedFrame& parsed,
                std::span<const std::uint8_t> next) noexcept
      : source_(std::move(source)),
        header_(parsed.mold),
        at_(wire::MessageRange(parsed.blocks).begin()),
        left_(parsed.mold.messages()),
        ahead_(next.data()),
        ahead_end_(next.data() + next.size()) {}

  [[nodiscard]] explicit operator bool() const noexcept { return bool(source_); }
  [[nodiscard]] const wire::MoldHeader& header() const noexcept { return header_; }

  /// The whole frame, headers and all. Empty when the frame was dropped.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    const rte_mbuf* m = source_.buffer();
    if (m == nullptr) return {};
    return {rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len};
  }

  /// The frame's 802.1Q tag as it was on the wire: priority, DEI and VLAN id (the lower 12 bits).
  /// Where the NIC took it out (RTE_ETH_RX_OFFLOAD_VLAN_STRIP) it isn't among bytes(). None: the
  /// frame had none, or was dropped.
  [[nodiscard]] std::optional<std::uint16_t> vlan_tci() const noexcept {
    const rte_mbuf* m = source_.buffer();
    if (m == nullptr) return std::nullopt;
    if ((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) return m->vlan_tci;
    return wire::tag_of(bytes());
  }

  /// Messages not yet taken.
  [[nodiscard]] std::uint32_t left() const noexcept { return left_; }

  /// The next message; left() must not be 0.
  [[nodiscard]] Packet next() noexcept { return packet(next_bytes()); }

  /// The next message to be read at once: valid while this frame is there. left() must not be 0.
  [[nodiscard]] std::span<const std::uint8_t> next_bytes() noexcept {
    --left_;
    return take();
  }

  /// The same where none may be left: data() is null then. For a frame that stays in memory, as a
  /// member does: one instruction counts the message and says whether there was one.
  [[nodiscard]] std::span<const std::uint8_t> try_next_bytes() noexcept {
    if (static_cast<std::int32_t>(--left_) < 0) [[unlikely]] {
      left_ = 0;
      return {};
    }
    return take();
  }

  /// A message of this frame, or any part of it, as a Packet that may outlive the frame. Not of an
  /// empty frame.
  [[nodiscard]] Packet packet(std::span<const std::uint8_t> part) noexcept {
    return source_.packet(part.data(), static_cast<std::uint32_t>(part.size()));
  }

  /// Takes one message after the other, as next_bytes() does. For a range-for alone: each
  /// dereference takes a message.
  ///
  ///     for (std::span<const std::uint8_t> message : framer.accept(m)) …
  ///
  /// A loop that is left early has taken the message it was at; the next loop goes on behind that.
  class Iterator {
   public:
    explicit Iterator(ReceivedFrame& frame) noexcept : frame_(frame) {}
    [[nodiscard]] std::span<const std::uint8_t> operator*() const noexcept {
      return frame_.next_bytes();
    }
    Iterator& operator++() noexcept { return *this; }
    friend bool operator==(const Iterator& at, std::default_sentinel_t) noexcept {
      return at.frame_.left() == 0;
    }

   private:
    ReceivedFrame& frame_;
  };
  [[nodiscard]] Iterator begin() noexcept { return Iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

 private:
  [[nodiscard]] std::span<const std::uint8_t> take() noexcept {
    const std::span<const std::uint8_t> message = *at_;
    ++at_;
    if (ahead_ < ahead_end_) fetch_ahead(message.size());
    return message;
  }

  /// As many lines of the next frame as a message of `len` bytes has.
  void fetch_ahead(std::size_t len) noexcept {
    const std::uint8_t* const until = ahead_ + len;
    do {
      rte_prefetch0(ahead_);
      ahead_ += RTE_CACHE_LINE_SIZE;
    } while (ahead_ < until);
  }

  PacketSource source_;
  wire::MoldHeader header_{};
  wire::MessageRange::Iterator at_;
  std::uint32_t left_ = 0;
  const std::uint8_t* ahead_ = nullptr;  // of the next frame: fetched up to here
  const std::uint8_t* ahead_end_ = nullptr;
};

/// Turns received mbufs into messages. A frame is validated as a whole before its first message is
/// seen; one that isn't valid, or is no frame of ours, is dropped whole and counted under one
/// reason. All calls on one lcore. Needs no port: feed it any mbuf. One that is no plain buffer of
/// a bab pool is copied into one where FramerOptions::copies or its own pool lets it, else dropped
/// as `foreign_buffer` or `multi_segment`, and goes back to its owner.
class Framer {
 public:
  explicit Framer(const FramerOptions& options = {}) noexcept : options_(options) {}

  /// Takes over the caller's share of `m`. An empty result means that the frame was dropped.
  /// `next`: the mbuf that will be accepted after it, if it is there already. It is only looked at,
  /// and its lines are fetched little by little while this one's messages are read: from a port
  /// whose frames another lcore wrote, messages of 64 bytes come in two thirds of the time
  /// (e2e_64).
  [[nodiscard]] ReceivedFrame accept(rte_mbuf* m, const rte_mbuf* next = nullptr) noexcept {
    wire::ParsedFrame parsed;
    Drop reason = judge(m, parsed);
    while (reason != Drop::kNone) [[unlikely]] {
        m = mend(m, reason);
        if (m == nullptr) return {};
        reason = judge(m, parsed);
      }
    const std::uint32_t messages = parsed.mold.messages();
    if (m != fetched_) fetch(parsed.blocks, messages);
    ++stats_.frames;
    stats_.messages += messages;
    stats_.bytes += parsed.blocks.size() - wire::kBlockLengthBytes * messages;
    fetched_ = next;
    std::span<const std::uint8_t> ahead;  // what it really has is judged when its turn comes
    if (next != nullptr) ahead = {rte_pktmbuf_mtod(next, const std::uint8_t*), next->data_len};
    return ReceivedFrame(PacketSource(m, 1), parsed, ahead);
  }

  [[nodiscard]] const FramerStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }

 private:
  /// Of messages longer than a cache line the check has looked at some lines only: the others are
  /// begun to be fetched, all at once, from another core's cache or the last-level one.
  static void fetch(std::span<const std::uint8_t> blocks, std::uint32_t messages) noexcept {
    if (blocks.size() <= std::size_t{messages} * kFetchFrom) return;
    for (std::size_t i = 0; i < blocks.size(); i += RTE_CACHE_LINE_SIZE)
      rte_prefetch0(blocks.data() + i);
  }
  /// Bytes of a block. 256-byte messages over a ring port gain a third; 32-byte ones would lose.
  static constexpr std::size_t kFetchFrom = RTE_CACHE_LINE_SIZE;

  [[nodiscard]] Drop judge(rte_mbuf* m, wire::ParsedFrame& parsed) const noexcept {
    if (m->nb_segs != 1) return Drop::kMultiSegment;
    if (!BufferPool::is_plain(m)) return Drop::kForeignBuffer;
    if (rte_lcore_id() >= RTE_MAX_LCORE) return Drop::kNoLcore;
    if ((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && has_second_tag(m)) [[unlikely]]
      return Drop::kNotIp;
    wire::ChecksumRules rules{false, false};
    if (options_.checksums != VerifyChecksums::kOff) {
      rules = {true, true};
      if (options_.checksums == VerifyChecksums::kDeviceThenHere) {
        // A NIC's BAD is looked at again here: it costs bad frames only, and tells BAD from
        // foreign. NONE has the bits of GOOD and BAD.
        rules.verify_ip = (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) == 0;
        rules.verify_udp = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) == 0;
      }
    }
    return wire::parse_frame({rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len}, rules,
                             options_.udp_port, parsed);
  }

  /// Of a frame with a tag taken out: whether there is, or was, another. At most one is accepted,
  /// whoever reads it.
  [[nodiscard]] static bool has_second_tag(const rte_mbuf* m) noexcept;

  /// Where it is the mbuf that isn't as it must be: a plain copy. Else null, and the frame is
  /// dropped. In any case `m` is given back.
  [[nodiscard]] rte_mbuf* mend(rte_mbuf* m, Drop reason) noexcept;
  void drop(rte_mbuf* m, Drop reason) noexcept;

  FramerOptions options_;
  const rte_mbuf* fetched_ = nullptr;  // the last accept()'s next
  FramerStats stats_;
  DropCounters drops_;
};

}  // namespace bab
