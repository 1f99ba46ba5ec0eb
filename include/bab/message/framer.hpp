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

/// Whether the checksums of received frames are verified, and where. A checksum that the NIC
/// reports as UNKNOWN is verified by the library. NONE counts as GOOD: the bytes were verified, and
/// only the checksum field is unfinished, as in a datagram whose sender on the same machine left
/// the field to its NIC (virtio).
enum class VerifyChecksums : std::uint8_t {
  kOff,
  kSoftware,        ///< always by the library
  kDeviceThenHere,  ///< by the NIC's report where there is one, else by the library
};

struct FramerOptions {
  VerifyChecksums checksums = VerifyChecksums::kDeviceThenHere;
  std::uint16_t udp_port = 0;  ///< destination port that frames must have; 0: any
  /// The pool for copies of frames that are not plain buffers of a bab pool: frames that a driver
  /// split over several buffers, mbufs of the application's own mempools, indirect mbufs, mbufs
  /// with external memory. Its buffers must hold a whole frame. Null: such a frame is copied into
  /// its own pool if that is a bab pool with a free buffer; else it is dropped.
  BufferPool* copies = nullptr;
};

struct FramerStats {
  std::uint64_t frames = 0;    ///< valid frames, heartbeats included
  std::uint64_t messages = 0;  ///< in valid frames
  std::uint64_t bytes = 0;     ///< of these messages, without their length prefixes
  /// Frames, valid or not, that were copied out of several buffers into one. Larger receive buffers
  /// save this copy.
  std::uint64_t gathered = 0;
  std::uint64_t copied = 0;  ///< other frames that were copied (FramerOptions::copies)
};

/// A valid frame on the lcore that received it. Gives its messages in order, as Packets in the RX
/// mbuf, without a copy. Empty (false) when the frame was dropped. Holds the buffer as long as it
/// exists.
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

  /// The whole frame with its headers. Empty when the frame was dropped.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    const rte_mbuf* m = source_.buffer();
    if (m == nullptr) return {};
    return {rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len};
  }

  /// The frame's 802.1Q tag as it was on the wire: priority, DEI and VLAN id (the lower 12 bits). A
  /// tag that the NIC stripped (RTE_ETH_RX_OFFLOAD_VLAN_STRIP) is not in bytes(). None: the frame
  /// had no tag, or was dropped.
  [[nodiscard]] std::optional<std::uint16_t> vlan_tci() const noexcept {
    const rte_mbuf* m = source_.buffer();
    if (m == nullptr) return std::nullopt;
    if ((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) return m->vlan_tci;
    return wire::tag_of(bytes());
  }

  /// Messages not yet taken.
  [[nodiscard]] std::uint32_t left() const noexcept { return left_; }

  /// The next message, as a Packet that may outlive the frame. left() must not be 0.
  [[nodiscard]] Packet next() noexcept { return packet(next_bytes()); }

  /// The bytes of the next message, valid as long as this frame exists. left() must not be 0.
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

  /// `part`, which is one message or any other part of this frame, as a Packet that may outlive the
  /// frame. The frame must not be empty.
  [[nodiscard]] Packet packet(std::span<const std::uint8_t> part) noexcept {
    return source_.packet(part.data(), static_cast<std::uint32_t>(part.size()));
  }

  /// Takes one message after the other, as next_bytes() does. Use it in a range-for only: each
  /// dereference takes a message.
  ///
  ///     for (std::span<const std::uint8_t> message : framer.accept(m)) …
  ///
  /// A loop that ends early has taken its last message; the next loop continues behind that
  /// message.
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

  /// Prefetches as many cache lines of the next frame as a message of `len` bytes has.
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
  const std::uint8_t* ahead_ = nullptr;  // in the next frame: prefetched up to here
  const std::uint8_t* ahead_end_ = nullptr;
};

/// Turns received mbufs into messages. A frame is validated as a whole before its first message is
/// given out. A frame that is not valid, or not a MoldUDP64 frame, is dropped whole and counted
/// under one reason. All calls on one lcore. Needs no port: give it any mbuf. An mbuf that is not a
/// plain buffer of a bab pool is copied into one: into FramerOptions::copies, or into its own pool.
/// Where that fails, it is dropped as `foreign_buffer` or `multi_segment`, and returns to its
/// owner.
class Framer {
 public:
  explicit Framer(const FramerOptions& options = {}) noexcept : options_(options) {}

  /// Takes over the caller's share of `m`. An empty result means that the frame was dropped.
  /// `next`: the mbuf that will be accepted after `m`, if it is here already. It is only read: its
  /// cache lines are prefetched one by one while the messages of `m` are read. On a port whose
  /// frames another lcore wrote, 64-byte messages then take two thirds of the time (e2e_64).
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
    std::span<const std::uint8_t> ahead;  // validated when its own turn comes
    if (next != nullptr) ahead = {rte_pktmbuf_mtod(next, const std::uint8_t*), next->data_len};
    return ReceivedFrame(PacketSource(m, 1), parsed, ahead);
  }

  [[nodiscard]] const FramerStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }

 private:
  /// Prefetches a frame with messages longer than a cache line: the validation has loaded only some
  /// of its lines. The others start to come at once, from another core's cache or the last-level
  /// cache.
  static void fetch(std::span<const std::uint8_t> blocks, std::uint32_t messages) noexcept {
    if (blocks.size() <= std::size_t{messages} * kFetchFrom) return;
    for (std::size_t i = 0; i < blocks.size(); i += RTE_CACHE_LINE_SIZE)
      rte_prefetch0(blocks.data() + i);
  }
  /// Bytes of a block. With 256-byte messages over a ring port the prefetch gains a third; with
  /// 32-byte messages it would lose.
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
        // A checksum that the NIC calls BAD is verified again: this costs bad frames only, and
        // tells bad frames from foreign ones. NONE has the bits of GOOD and BAD.
        rules.verify_ip = (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) == 0;
        rules.verify_udp = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) == 0;
      }
    }
    return wire::parse_frame({rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len}, rules,
                             options_.udp_port, parsed);
  }

  /// For a frame whose tag the NIC stripped: whether it has, or had, a second tag. At most one tag
  /// is accepted, in the frame or stripped.
  [[nodiscard]] static bool has_second_tag(const rte_mbuf* m) noexcept;

  /// If the mbuf is the problem, and not the frame: returns a plain copy. Else counts the drop and
  /// returns null. Gives `m` back in both cases.
  [[nodiscard]] rte_mbuf* mend(rte_mbuf* m, Drop reason) noexcept;
  void drop(rte_mbuf* m, Drop reason) noexcept;

  FramerOptions options_;
  const rte_mbuf* fetched_ = nullptr;  // `next` of the last accept()
  FramerStats stats_;
  DropCounters drops_;
};

}  // namespace bab
