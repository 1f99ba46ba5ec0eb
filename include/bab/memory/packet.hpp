#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <utility>

#include <rte_lcore.h>

#include <bab/memory/account.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/shares.hpp>

namespace bab {

class SendPacket;

/// A handle to one message: a read-only region of a buffer, which stays put while a handle is there.
/// Belongs to the lcore that made it: clone and drop are plain ++ and -- in that lcore's table. To
/// cross lcores it changes its type: send() → SendPacket → receive(). Debug builds check the lcore.
/// A small Packet pins its whole buffer.
class Packet {
 public:
  Packet() noexcept = default;
  Packet(Packet&& other) noexcept
      : data_(other.data_), len_(other.len_), account_(std::exchange(other.account_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    Packet(std::move(other)).swap(*this);
    return *this;
  }
  ~Packet() { drop(); }

  /// Another handle to the same message, on the same lcore.
  [[nodiscard]] Packet clone() const noexcept {
    check_lcore();
    if (account_ != nullptr) ++account_->handles;
    return Packet(data_, len_, account_);
  }

  /// Passes the message to another lcore. The lcore's last handle passes its share on with no atomic;
  /// any other takes one more. An empty SendPacket comes back, and this handle stays, when the buffer
  /// has Shares::kLimit of them.
  [[nodiscard]] SendPacket send() noexcept;

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {data_, len_}; }
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return len_; }
  /// Whether this is a handle at all; a message of no bytes is one, a moved-from Packet isn't.
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

  /// The lcore's last handle went: all its shares go with it.
  static void settle(Account& account) noexcept {
    const auto shares = static_cast<std::uint16_t>(std::exchange(account.shares, 0U));
    if (Shares<>::give_up(account.buffer, shares)) BufferPool::recycle(account.buffer);
  }

  void check_lcore() const noexcept {
#ifndef NDEBUG
    if (account_ == nullptr) return;
    BufferMeta& meta = buffer_meta(account_->buffer);
    assert(rte_lcore_id() < RTE_MAX_LCORE && "a Packet was used on a thread without an lcore id");
    assert(&meta.pool->account(rte_lcore_id(), meta.id) == account_ &&
           "a Packet was used on an lcore that doesn't own it; send() it there");
#endif
  }

  const std::uint8_t* data_ = nullptr;
  std::uint32_t len_ = 0;
  Account* account_ = nullptr;
};

/// Makes Packets of a buffer on the calling lcore: what writers and framers build on. Holds one handle
/// itself, so that giving out Packets and losing them again touches no atomic.
class PacketSource {
 public:
  PacketSource() noexcept = default;

  /// Adds `shares`, which the caller already holds, to the calling lcore's account of `m`.
  PacketSource(rte_mbuf* m, std::uint32_t shares) noexcept {
    BufferMeta& meta = buffer_meta(m);
    account_ = &meta.pool->account(rte_lcore_id(), meta.id);
    account_->buffer = m;
    account_->shares += shares;
    ++account_->handles;
  }
  PacketSource(PacketSource&& other) noexcept
      : account_(std::exchange(other.account_, nullptr)) {}
  PacketSource& operator=(PacketSource&& other) noexcept {
    std::swap(account_, other.account_);
    return *this;
  }
  ~PacketSource() { reset(); }

  [[nodiscard]] Packet packet(const std::uint8_t* data, std::uint32_t len) noexcept {
    return more(*account_, data, len);
  }

  /// Another Packet of a buffer that this lcore's `account` already holds.
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

 private:
  Account* account_ = nullptr;
};

}  // namespace bab

#include <bab/memory/send_packet.hpp>  // send() returns one
