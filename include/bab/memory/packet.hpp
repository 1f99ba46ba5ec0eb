#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <rte_lcore.h>

#include <bab/detail/check.hpp>
#include <bab/memory/account.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/shares.hpp>

namespace bab {

class SendPacket;

// The states of a buffer and its owners. One frame is one buffer is one mbuf:
//
//     rte_mbuf | BufferMeta | headroom | [Eth VLAN IP UDP Mold] len msg len msg …
//                                         WriteFlusher           a Reservation's bytes, a Packet's
//
// A buffer is in use as long as a share of it is held (Shares: mbuf->refcnt).
//
// | state          | shares                                     | until                           |
// |----------------|--------------------------------------------|---------------------------------|
// | free           | none: the pool has it, or an lcore's cache | reserve, acquire, the NIC's RX  |
// | being written  | the frame's, held by its writer            | it is full, flush(), a deadline |
// | complete       | the frame's: a ring's, then the flusher's  | the sink takes it, or a drop    |
// | in TX          | the frame's, held by the driver            | it is sent: the driver frees it |
// | received       | the frame's, held by receive()'s caller    | a Framer takes it over          |
// | being read     | some, of each lcore with a Packet of it    | that lcore's last Packet goes   |
// | between lcores | one of each SendPacket                     | receive(), or it is dropped     |
//
// Shares of different owners exist side by side: a frame may be in TX while two lcores read Packets
// of it.

/// A handle to one message: a read-only region of a buffer. The bytes don't move as long as a
/// handle exists. A Packet belongs to the lcore that made it, and only that lcore may use it: clone
/// and drop are a plain ++ and -- in its table. To cross lcores a message changes its type: send()
/// → SendPacket → receive(). A library with debug checks checks the lcore. A small Packet keeps its
/// whole buffer in use.
class Packet {
 public:
  Packet() noexcept = default;
  Packet(Packet&& other) noexcept
      : data_(other.data_), len_(other.len_), account_(std::exchange(other.account_, nullptr)) {}
  /// Drops the message that this one held. `other` becomes empty.
  Packet& operator=(Packet&& other) noexcept {
    Packet taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  ~Packet() { drop(); }

  /// Another handle to the same message, on the same lcore.
  [[nodiscard]] Packet clone() const noexcept {
    check_lcore();
    if (account_ != nullptr) ++account_->handles;
    return Packet(data_, len_, account_);
  }

  /// Passes the message to another lcore. The lcore's last handle of the buffer passes its share
  /// on, without an atomic operation. Any other handle takes one more share. At Shares::kLimit it
  /// passes on one of the lcore's own shares, of which the lcore keeps at least one. If the lcore
  /// has only that one, it returns an empty SendPacket, and this handle stays.
  [[nodiscard]] SendPacket send() noexcept;

  /// The same for the front of `packets`, with at most one atomic operation per run of Packets of
  /// one buffer. Moves up to out.size() of them, in order, and returns how many. It moves fewer
  /// only at Shares::kLimit, when this lcore's own shares are used up, too.
  static std::size_t send(std::span<Packet> packets, std::span<SendPacket> out) noexcept;

  /// Removes the first n bytes. Returns false and changes nothing if there are fewer.
  [[nodiscard]] bool advance(std::uint64_t n) noexcept {
    if (n > len_) return false;
    data_ += n;
    len_ -= static_cast<std::uint32_t>(n);
    return true;
  }

  /// Removes the last n bytes. Returns false and changes nothing if there are fewer.
  [[nodiscard]] bool trim(std::uint64_t n) noexcept {
    if (n > len_) return false;
    len_ -= static_cast<std::uint32_t>(n);
    return true;
  }

  /// A handle to the `len` bytes from `offset` on; empty if not all of them exist.
  [[nodiscard]] Packet subpacket(std::uint64_t offset, std::uint64_t len) const noexcept {
    if (offset > len_ || len > len_ - offset) return {};
    Packet part = clone();
    part.data_ += offset;
    part.len_ = static_cast<std::uint32_t>(len);
    return part;
  }

  /// Cuts the message at `offsets`, ascending and at most size(), into out.size() = offsets.size()
  /// + 1 handles. Without offsets it gives one handle to the whole. Returns false and changes
  /// nothing if the offsets or `out` don't fit, or this is empty.
  [[nodiscard]] bool split(std::span<const std::uint64_t> offsets,
                           std::span<Packet> out) const noexcept;

  /// A copy in a buffer of `pool`, so that a small message doesn't keep its whole buffer in use.
  /// Empty if the pool has no free buffer, its buffers are too small, or the thread has no lcore
  /// id.
  [[nodiscard]] Packet copy_out(BufferPool& pool) const noexcept;

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {data_, len_}; }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return len_; }
  /// Whether this is a handle. A handle may be to a message of 0 bytes; a moved-from Packet is
  /// none.
  [[nodiscard]] explicit operator bool() const noexcept { return account_ != nullptr; }

  void swap(Packet& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(len_, other.len_);
    std::swap(account_, other.account_);
  }

 private:
  friend class SendPacket;
  friend class PacketSource;

  Packet(const std::uint8_t* data, std::uint32_t len, Account* account) noexcept
      : data_(data), len_(len), account_(account) {}

  void drop() noexcept {
    if (account_ == nullptr) return;
    check_lcore();
    if (--account_->handles == 0) settle(*account_);
  }

  /// At Shares::kLimit: takes shares for up to `n` Packets of `account`, first the lcore's own
  /// except one, then what the buffer still has below the limit. Returns how many.
  [[nodiscard]] static std::uint32_t scrape_shares(Account& account, std::uint32_t n) noexcept;

  /// The lcore's last handle has gone: gives up all its shares.
  static void settle(Account& account) noexcept {
    const auto shares = static_cast<std::uint16_t>(std::exchange(account.shares, 0U));
    if (Shares<>::give_up(account.buffer, shares)) BufferPool::recycle(account.buffer);
  }

  void check_lcore() const noexcept {
    if constexpr (detail::kChecks) {
      if (account_ == nullptr) return;
      BufferMeta& meta = buffer_meta(account_->buffer);
      BAB_ASSERT(rte_lcore_id() < RTE_MAX_LCORE &&
                 "a Packet was used on a thread without an lcore id");
      BAB_ASSERT(&meta.home->account(rte_lcore_id(), meta.id) == account_ &&
                 "a Packet was used on an lcore that doesn't own it; send() it there");
    }
  }

  const std::uint8_t* data_ = nullptr;
  std::uint32_t len_ = 0;
  Account* account_ = nullptr;
};

/// Makes Packets of a buffer on the calling lcore, for writers and framers. It holds one handle
/// itself, so that Packets come and go without an atomic operation.
class PacketSource {
 public:
  PacketSource() noexcept = default;

  /// Adds `shares`, which the caller already holds, to the calling lcore's account of `m`. `m` is a
  /// buffer of one of bab's pools (BufferPool::of).
  PacketSource(rte_mbuf* m, std::uint32_t shares) noexcept {
    BAB_ASSERT(rte_lcore_id() < RTE_MAX_LCORE && "Packets are made on an lcore");
    BufferMeta& meta = buffer_meta(m);
    account_ = &meta.home->account(rte_lcore_id(), meta.id);
    account_->buffer = m;
    account_->shares += shares;
    ++account_->handles;
  }
  PacketSource(PacketSource&& other) noexcept : account_(std::exchange(other.account_, nullptr)) {}
  PacketSource& operator=(PacketSource&& other) noexcept {
    PacketSource taken(std::move(other));
    std::swap(account_, taken.account_);
    return *this;
  }
  ~PacketSource() { reset(); }

  [[nodiscard]] Packet packet(const std::uint8_t* data, std::uint32_t len) noexcept {
    return more(*account_, data, len);
  }

  /// Another Packet of a buffer of which this lcore's `account` already holds a share.
  [[nodiscard]] static Packet more(Account& account, const std::uint8_t* data,
                                   std::uint32_t len) noexcept {
    ++account.handles;
    return Packet(data, len, &account);
  }

  /// Leaves the source's handle in the account, for a later attach() on the same lcore.
  void detach() noexcept { account_ = nullptr; }
  [[nodiscard]] static PacketSource attach(Account& account) noexcept {
    PacketSource source;
    source.account_ = &account;
    return source;
  }

  void reset() noexcept {
    Account* account = std::exchange(account_, nullptr);
    if (account != nullptr && --account->handles == 0) Packet::settle(*account);
  }

  [[nodiscard]] explicit operator bool() const noexcept { return account_ != nullptr; }
  /// Null: the source is empty.
  [[nodiscard]] rte_mbuf* buffer() const noexcept {
    return account_ != nullptr ? account_->buffer : nullptr;
  }

 private:
  Account* account_ = nullptr;
};

inline bool Packet::split(std::span<const std::uint64_t> offsets,
                          std::span<Packet> out) const noexcept {
  if (account_ == nullptr || out.size() != offsets.size() + 1) return false;
  std::uint64_t from = 0;
  for (const std::uint64_t to : offsets) {
    if (to < from || to > len_) return false;
    from = to;
  }
  from = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t to = i < offsets.size() ? offsets[i] : len_;
    out[i] = subpacket(from, to - from);
    from = to;
  }
  return true;
}

inline Packet Packet::copy_out(BufferPool& pool) const noexcept {
  const std::uint32_t room = pool.data_room() - RTE_PKTMBUF_HEADROOM;
  if (account_ == nullptr || len_ > room || rte_lcore_id() >= RTE_MAX_LCORE) return {};
  rte_mbuf* m = pool.try_acquire();
  if (m == nullptr) return {};
  auto* to = rte_pktmbuf_mtod(m, std::uint8_t*);
  std::memcpy(to, data_, len_);
  return PacketSource(m, 1).packet(to, len_);
}

}  // namespace bab

#include <bab/memory/send_packet.hpp>  // send() returns one
