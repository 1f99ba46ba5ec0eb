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

/// How an item of a Channel passes through a ring of plain words.
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

/// Each buffer brings one share with it.
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

/// Passes batches of items from one lcore to one lcore: a bounded SP/SC ring, with waiting at both
/// ends.
///
/// Either side may close it, for good. After the sender has closed it, the receiver gets the items
/// inside and then kClosed. After the receiver has closed it, sends end with kClosed and keep the
/// items that they couldn't pass on. Items inside are then released, at the latest by the
/// destructor, and counted.
template <class T>
class Channel {
  using Item = ChannelItem<T>;
  using Raw = typename Item::Raw;
  static_assert(std::is_trivially_copyable_v<Raw> && sizeof(Raw) % 4 == 0);

 public:
  /// Holds at least `capacity` items, 1 or more. `socket`: the NUMA node of its memory. Throws
  /// Error, as SpscRing().
  explicit Channel(std::uint32_t capacity, int socket = SOCKET_ID_ANY)
      : ring_(detail::make_element_ring(sizeof(Raw), capacity, socket)) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// Only when neither side uses it any more. Releases the items inside.
  ~Channel() {
    if (detail::eal_is_there()) discard();
  }

  /// On the sending lcore: moves as many from the front of `items` as fit, and returns how many. 0
  /// if closed.
  BAB_RINGS_UNWATCHED unsigned try_send(std::span<T> items) noexcept {
    unsigned sent = 0;
    while (sent < items.size() && !closed()) {
      Raw raw[kBatch];
      const unsigned n = std::min(static_cast<unsigned>(items.size() - sent), kBatch);
      for (unsigned i = 0; i < n; ++i) {
        raw[i] = Item::to_raw(items[sent + i]);
        detail::tsan_release(Item::key(raw[i]));
      }
      // No look at the ring beforehand: the enqueue reads the receiver's cache line anyway.
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

  /// The same for Packets of this lcore, with at most one atomic operation per run of Packets of
  /// one buffer. It also moves fewer if a buffer has Shares::kLimit shares.
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

  /// On the receiving lcore: fills the front of `out` with the items there are, and returns how
  /// many.
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

  /// `co_await channel.send(items)`: sends all of them, in order, as room becomes free. If it ends
  /// with kClosed or kCancelled, `sent()` says how many went; the others are still the caller's.
  /// `items` must outlive it.
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
  /// The same for Packets of this lcore. Those that are not sent are still the caller's.
  [[nodiscard]] SendOf<Packet> send(
      std::span<Packet> packets) noexcept requires std::same_as<T, SendPacket> {
    return SendOf<Packet>(*this, packets);
  }

  /// `co_await channel.receive(out)`: waits for at least one item and takes all there are, up to
  /// out.size(); `received()` says how many. kClosed: there is none, and none will come. `out` must
  /// outlive it.
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
      // closed() comes first: this receive then sees every item that was sent before the close.
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

  /// On the sending lcore: nothing more will come. R11: pairs with A11 (closed()).
  void close_sender() noexcept { closed_.store(true, std::memory_order_release); }
  /// On the receiving lcore: nothing more is wanted. Releases the items inside and returns how
  /// many. R11: pairs with A11 (closed()).
  std::uint64_t close_receiver() noexcept {
    closed_.store(true, std::memory_order_release);
    return discard();
  }
  /// Any thread. A11: pairs with R11 (close_sender(), close_receiver()).
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// Items that were released because nobody received them. Any thread.
  [[nodiscard]] std::uint64_t discarded() const noexcept {
    return discarded_.load(std::memory_order_relaxed);
  }
  /// Items inside; a snapshot while the other side runs.
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
