#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <rte_ring_elem.h>

#include <bab/base/spsc_ring.hpp>
#include <bab/detail/eal_use.hpp>
#include <bab/detail/sanitizers.hpp>
#include <bab/lcore/wait.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/send_packet.hpp>

namespace bab {

/// How an item of a Channel travels through a ring of plain words.
template <class T>
struct ChannelItem;

template <>
struct ChannelItem<SendPacket> {
  using Raw = SendPacket::Raw;
  static Raw to_raw(SendPacket& item) noexcept { return item.release(); }
  static SendPacket from_raw(const Raw& raw) noexcept { return SendPacket::adopt(raw); }
  static void drop(const Raw& raw) noexcept { (void)SendPacket::adopt(raw); }
  static void give_back(std::span<SendPacket> items) noexcept {
    for (SendPacket& item : items) item = SendPacket();
  }
  static void* key(const Raw& raw) noexcept { return raw.buffer; }
};

/// Buffers travel with one share each.
template <>
struct ChannelItem<rte_mbuf*> {
  struct Raw {
    rte_mbuf* buffer;
  };
  static Raw to_raw(rte_mbuf*& item) noexcept { return {std::exchange(item, nullptr)}; }
  static rte_mbuf* from_raw(const Raw& raw) noexcept { return raw.buffer; }
  static void drop(const Raw& raw) noexcept { BufferPool::release(raw.buffer); }
  static void give_back(std::span<rte_mbuf*> items) noexcept {
    for (rte_mbuf*& item : items) BufferPool::release(std::exchange(item, nullptr));
  }
  static void* key(const Raw& raw) noexcept { return raw.buffer; }
};

/// Batches of items from one lcore to one lcore: a bounded SP/SC ring with waiting at both ends.
///
/// Either side may close it, once and for all. After the sender has, the receiver gets what is
/// inside and then kClosed. After the receiver has, sends end with kClosed and keep what they
/// couldn't pass on; what was inside is released, when the channel is destroyed at the latest, and
/// counted.
template <class T>
class Channel {
  using Item = ChannelItem<T>;
  using Raw = typename Item::Raw;
  static_assert(std::is_trivially_copyable_v<Raw> && sizeof(Raw) % 4 == 0);

 public:
  /// Holds at least `capacity` items, 1 or more. Throws Error when it can't be or there is no
  /// memory for it.
  explicit Channel(std::uint32_t capacity, int socket = SOCKET_ID_ANY)
      : ring_(detail::make_element_ring(sizeof(Raw), capacity, socket)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// When neither side uses it any more: releases what is inside.
  ~Channel() {
    if (detail::eal_is_there()) discard();
  }

  /// The sending lcore: moves as many from the front of `items` as fit and says how many. 0 when
  /// closed.
  BAB_RINGS_UNWATCHED unsigned try_send(std::span<T> items) noexcept {
    unsigned sent = 0;
    while (sent < items.size() && !closed()) {
      Raw raw[kBatch];
      const unsigned n = std::min(static_cast<unsigned>(items.size() - sent), kBatch);
      for (unsigned i = 0; i < n; ++i) {
        raw[i] = Item::to_raw(items[sent + i]);
        detail::tsan_release(Item::key(raw[i]));
      }
      // What is in the ring is not asked beforehand: the enqueue looks at the receiver's line
      // anyway.
      detail::ring_reads_and_writes(raw);
      const unsigned taken =
          rte_ring_sp_enqueue_burst_elem(ring_.get(), raw, sizeof(Raw), n, nullptr);
      detail::ring_reads_and_writes(raw);
      for (unsigned i = taken; i < n; ++i) items[sent + i] = Item::from_raw(raw[i]);
      sent += taken;
      if (taken < n) break;
    }
    return sent;
  }

  /// The same for Packets of this lcore, with at most one atomic per run of Packets of one buffer.
  /// Fewer, too, where a buffer has Shares::kLimit of them.
  unsigned try_send(std::span<Packet> packets) noexcept requires std::same_as<T, SendPacket> {
    unsigned sent = 0;
    while (sent < packets.size() && !closed()) {
      std::array<SendPacket, kBatch> batch;
      const std::span<Packet> rest = packets.subspan(sent);
      const std::size_t room =
          std::min({rest.size(), std::size_t{kBatch}, std::size_t{capacity() - size()}});
      const std::size_t ready = Packet::send(rest, std::span(batch).first(room));
      const unsigned gone = try_send(std::span(batch).first(ready));
      for (std::size_t i = gone; i < ready; ++i) rest[i] = batch[i].receive();  // closed meanwhile
      sent += gone;
      if (gone == 0) break;
    }
    return sent;
  }

  /// The receiving lcore: fills the front of `out` with what there is and says how many.
  BAB_RINGS_UNWATCHED unsigned try_receive(std::span<T> out) noexcept {
    unsigned got = 0;
    while (got < out.size()) {
      Raw raw[kBatch];
      const unsigned n = rte_ring_sc_dequeue_burst_elem(
          ring_.get(), raw, sizeof(Raw), std::min(static_cast<unsigned>(out.size() - got), kBatch),
          nullptr);
      if (n == 0) break;
      detail::ring_reads_and_writes(raw);
      for (unsigned i = 0; i < n; ++i) {
        detail::tsan_acquire(Item::key(raw[i]));
        out[got++] = Item::from_raw(raw[i]);
      }
    }
    return got;
  }

  /// `co_await channel.send(items)`: all of them, in order, as room comes; `sent()` says how many
  /// went when it ends with kClosed or kCancelled, and the rest is still the caller's.
  template <class Sent>
  class SendOf final : public Wait {
   public:
    SendOf(Channel& channel, std::span<Sent> items) noexcept : channel_(channel), items_(items) {}
    Outcome await_resume() const noexcept { return outcome(); }
    [[nodiscard]] std::size_t sent() const noexcept { return sent_; }

   private:
    bool poll() noexcept override {
      sent_ += channel_.try_send(items_.subspan(sent_));
      if (sent_ == items_.size()) return true;
      if (!channel_.closed()) return false;
      set_outcome(Outcome::kClosed);
      return true;
    }
    Channel& channel_;
    std::span<Sent> items_;
    std::size_t sent_ = 0;
  };
  using Send = SendOf<T>;
  [[nodiscard]] Send send(std::span<T> items) noexcept { return Send(*this, items); }
  /// The same for Packets of this lcore: what is not sent is still its own.
  [[nodiscard]] SendOf<Packet> send(
      std::span<Packet> packets) noexcept requires std::same_as<T, SendPacket> {
    return SendOf<Packet>(*this, packets);
  }

  /// `co_await channel.receive(out)`: at least one item, as many as there are; `received()` says
  /// how many. kClosed: none, and none will come. `out` must outlive it.
  class Receive final : public Wait {
   public:
    Receive(Channel& channel, std::span<T> out) noexcept : channel_(channel), out_(out) {}
    ~Receive() override { retire(); }
    Outcome await_resume() const noexcept { return outcome(); }
    [[nodiscard]] std::size_t received() const noexcept {
      return outcome() == Outcome::kRefused ? 0 : received_;
    }

   private:
    bool poll() noexcept override {
      // Closed is looked at first: what was sent before the close is then seen by the receive.
      const bool closed = channel_.closed();
      received_ = channel_.try_receive(out_);
      if (received_ > 0 || out_.empty()) return true;
      if (!closed) return false;
      set_outcome(Outcome::kClosed);
      return true;
    }
    void withdraw() noexcept override {
      if (granted()) Item::give_back(out_.first(received_));
      received_ = 0;
    }
    Channel& channel_;
    std::span<T> out_;
    std::size_t received_ = 0;
  };
  [[nodiscard]] Receive receive(std::span<T> out) noexcept { return Receive(*this, out); }

  /// The sending lcore: nothing more will come. Release pairs with closed().
  void close_sender() noexcept { closed_.store(true, std::memory_order_release); }
  /// The receiving lcore: nothing more is wanted; releases what is inside. Returns how many items.
  std::uint64_t close_receiver() noexcept {
    closed_.store(true, std::memory_order_release);
    return discard();
  }
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// Items released because nobody received them.
  [[nodiscard]] std::uint64_t discarded() const noexcept {
    return discarded_.load(std::memory_order_relaxed);
  }
  /// A moment's figure when the other side runs.
  [[nodiscard]] unsigned size() const noexcept { return detail::ring_count(*ring_); }
  [[nodiscard]] unsigned capacity() const noexcept { return rte_ring_get_capacity(ring_.get()); }

 private:
  static constexpr unsigned kBatch =
      32;  // items moved through the stack at a time: one ring operation

  BAB_RINGS_UNWATCHED std::uint64_t discard() noexcept {
    std::uint64_t n = 0;
    Raw raw;
    while (rte_ring_sc_dequeue_elem(ring_.get(), &raw, sizeof(Raw)) == 0) {
      detail::ring_reads_and_writes(&raw);
      detail::tsan_acquire(Item::key(raw));
      Item::drop(raw);
      ++n;
    }
    discarded_.fetch_add(n, std::memory_order_relaxed);
    return n;
  }

  std::unique_ptr<rte_ring, detail::RingDeleter> ring_;
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> discarded_{0};
};

using PacketChannel = Channel<SendPacket>;
using BufferChannel = Channel<rte_mbuf*>;

}  // namespace bab
