#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include <bab/detail/check.hpp>
#include <bab/memory/packet.hpp>

namespace bab {

/// A message on its way between lcores. It owns one share of its buffer; any thread may move it.
/// Its destructor gives the share up. receive() makes it a Packet of the calling lcore.
class SendPacket {
 public:
  /// Width of the addresses that it keeps, in bits. A BufferPool refuses memory that needs more.
  static constexpr unsigned kAddressBits = 48;

  SendPacket() noexcept = default;
  SendPacket(SendPacket&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)), message_(other.message_) {}
  /// Drops the message that this one held. `other` becomes empty.
  SendPacket& operator=(SendPacket&& other) noexcept {
    SendPacket taken(std::move(other));
    std::swap(buffer_, taken.buffer_);
    std::swap(message_, taken.message_);
    return *this;
  }
  ~SendPacket() {
    if (buffer_ != nullptr) BufferPool::release(buffer_);
  }

  /// Adds the share to the calling lcore's account. On a thread without an lcore id it returns an
  /// empty Packet and keeps the message.
  [[nodiscard]] Packet receive() noexcept {
    const unsigned lcore = rte_lcore_id();
    if (buffer_ == nullptr || lcore >= RTE_MAX_LCORE) return {};
    BufferMeta& meta = buffer_meta(buffer_);
    Account& account = meta.home->account(lcore, meta.id);
    account.buffer = std::exchange(buffer_, nullptr);
    ++account.shares;
    ++account.handles;
    return Packet(data(), size(), &account);
  }

  /// The same for all of `packets`, to the front of `out`. Returns false and changes nothing if
  /// `out` is shorter than `packets` or the thread has no lcore id.
  [[nodiscard]] static bool receive(std::span<SendPacket> packets, std::span<Packet> out) noexcept {
    if (out.size() < packets.size() || rte_lcore_id() >= RTE_MAX_LCORE) return false;
    for (std::size_t i = 0; i < packets.size(); ++i) out[i] = packets[i].receive();
    return true;
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint16_t>(message_); }
  [[nodiscard]] explicit operator bool() const noexcept { return buffer_ != nullptr; }

  /// The same as plain words, for a ring. A Raw owns the share until it is adopted, which must
  /// happen exactly once.
  struct Raw {
    rte_mbuf* buffer;
    std::uint64_t message;
  };
  [[nodiscard]] Raw release() noexcept { return {std::exchange(buffer_, nullptr), message_}; }
  [[nodiscard]] static SendPacket adopt(const Raw& raw) noexcept { return SendPacket(raw); }

 private:
  friend class Packet;
  SendPacket(const std::uint8_t* data, std::uint32_t len, rte_mbuf* buffer) noexcept
      : buffer_(buffer), message_(reinterpret_cast<std::uintptr_t>(data) << 16 | len) {
    BAB_ASSERT(reinterpret_cast<std::uintptr_t>(data) >> kAddressBits == 0 && len <= 0xffff);
  }
  explicit SendPacket(const Raw& raw) noexcept : buffer_(raw.buffer), message_(raw.message) {}

  [[nodiscard]] const std::uint8_t* data() const noexcept {
    return reinterpret_cast<const std::uint8_t*>(message_ >> 16);
  }

  // Two words, not three: a ring's cost depends on the cache lines that go through it (channel_32).
  // `message_` is the address of the bytes << 16 | their number. A process has addresses of 48 bits
  // unless it asks for more (with EAL's --base-virtaddr, on 5-level paging), and a buffer holds at
  // most 65,535 bytes.
  rte_mbuf* buffer_ = nullptr;
  std::uint64_t message_ = 0;
};

inline SendPacket Packet::send() noexcept {
  if (account_ == nullptr) return {};
  check_lcore();
  rte_mbuf* m = account_->buffer;
  if (account_->handles == 1) {
    // The last handle's share goes along, and the lcore gives up its other shares. The share that
    // goes along keeps the buffer alive: this give_up is never the last one.
    const std::uint32_t rest = account_->shares - 1;
    if (rest > 0) (void)Shares<>::give_up(m, static_cast<std::uint16_t>(rest));
    account_->shares = 0;
    account_->handles = 0;
  } else {
    if (!Shares<>::try_take(m)) [[unlikely]]
      if (scrape_shares(*account_, 1) == 0) return {};
    --account_->handles;
  }
  account_ = nullptr;
  return SendPacket(data_, len_, m);
}

inline std::size_t Packet::send(std::span<Packet> packets, std::span<SendPacket> out) noexcept {
  const std::size_t most = std::min(packets.size(), out.size());
  std::size_t sent = 0;
  while (sent < most) {
    Account* account = packets[sent].account_;
    // A run of Packets of one buffer; 64 keeps the count far from Shares::kLimit.
    std::size_t run = 1;
    while (sent + run < most && run < 64 && packets[sent + run].account_ == account) ++run;
    if (account != nullptr) {
      packets[sent].check_lcore();
      auto k = static_cast<std::uint32_t>(run);
      if (account->handles > k || account->shares < k) {
        // The lcore's own shares go along with its last handles; only the missing ones are taken.
        const std::uint32_t own = account->handles > k ? 0 : account->shares;
        if (Shares<>::try_take(account->buffer, static_cast<std::uint16_t>(k - own))) [[likely]] {
          account->shares -= own;
        } else {
          k = scrape_shares(*account, own == 0 ? k : k - 1);
          if (k == 0) return sent;
          run = k;
        }
      } else {
        const std::uint32_t rest = std::exchange(account->shares, 0U) - k;
        if (rest > 0) (void)Shares<>::give_up(account->buffer, static_cast<std::uint16_t>(rest));
      }
      account->handles -= k;
    }
    for (; run > 0; --run, ++sent) {
      Packet& p = packets[sent];
      out[sent] = SendPacket(p.data_, p.len_, account != nullptr ? account->buffer : nullptr);
      p.account_ = nullptr;
    }
  }
  return sent;
}

static_assert(sizeof(SendPacket) == 16 && sizeof(void*) == 8);

}  // namespace bab
