#include <algorithm>
#include <array>

#include <bab/base/spsc_ring.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/memory/packet.hpp>

#include "pools.hpp"
#include "two_lcores.hpp"

namespace bench {
namespace {

constexpr unsigned kBurst = 32;
constexpr unsigned kItems = 256;  // most items under way at once; a ring holds 1,023

/// Items go to the other lcore and come back, in bursts of 32. Nanoseconds per item, one way.
template <class Item>
class ThereAndBack {
 public:
  std::span<Item> items() noexcept { return items_; }

  /// `send(ring, span)` takes the whole span, because a ring has room for all items.
  template <class Ring, class Send, class Receive>
  Slice measure(double seconds, std::array<Ring, 2>& rings, const Send& send,
                const Receive& receive) {
    Stretch stretch(seconds);
    Slice slice;
    const auto here = [&] {
      std::size_t kept = kItems;
      std::uint64_t ways = 0;
      const auto take_back = [&] {
        const unsigned n =
            receive(rings[1],
                    std::span(items_).subspan(kept, std::min<std::size_t>(kBurst, kItems - kept)));
        kept += n;
        ways += 2 * n;
      };
      while (stretch.goes_on(ways)) {
        for (unsigned i = 0; i < 8; ++i) {  // eight rounds for each look at the clock
          const std::size_t n = std::min<std::size_t>(kBurst, kept);
          kept -= n;
          send(rings[0], std::span(items_).subspan(kept, n));
          take_back();
        }
      }
      while (kept < kItems) take_back();
    };
    const auto there = [&](const std::atomic<bool>& stop) {
      std::array<Item, kBurst> came{};
      while (!stop.load(std::memory_order_relaxed))
        if (const unsigned n = receive(rings[0], std::span<Item>(came)); n > 0)
          send(rings[1], std::span(came).first(n));
    };
    slice.interruptions = on_two_lcores(here, there);
    slice.ns = stretch.ns();
    return slice;
  }

 private:
  std::array<Item, kItems> items_{};
};

/// Pointers through plain rings, as rte_ring_create() makes them.
class PlainRings {
 public:
  Slice measure(double seconds) {
    return pointers_.measure(
        seconds, rings_,
        [](bab::SpscRing<rte_mbuf>& ring, std::span<rte_mbuf*> items) {
          rte_ring_sp_enqueue_burst(ring.raw(), reinterpret_cast<void* const*>(items.data()),
                                    static_cast<unsigned>(items.size()), nullptr);
        },
        [](bab::SpscRing<rte_mbuf>& ring, std::span<rte_mbuf*> out) {
          return rte_ring_sc_dequeue_burst(ring.raw(), reinterpret_cast<void**>(out.data()),
                                           static_cast<unsigned>(out.size()), nullptr);
        });
  }

 private:
  std::array<bab::SpscRing<rte_mbuf>, 2> rings_{bab::SpscRing<rte_mbuf>(1023),
                                                bab::SpscRing<rte_mbuf>(1023)};
  ThereAndBack<rte_mbuf*> pointers_;
};

class ChannelRig : public Row {
 public:
  Slice floor(double seconds) override { return plain_.measure(seconds); }

 protected:
  bab::Packet make_packet() {
    rte_mbuf* m = pool_.try_acquire();
    return bab::PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, std::uint8_t*), 32);
  }

  bab::BufferPool pool_{pool_options(2 * kItems, 2176)};
  std::array<bab::PacketChannel, 2> channels_{bab::PacketChannel(1023), bab::PacketChannel(1023)};

 private:
  PlainRings plain_;
};

/// Sends SendPackets. Each has a buffer of its own.
class SendPackets final : public ChannelRig {
 public:
  SendPackets() {
    for (bab::SendPacket& p : packets_.items()) p = make_packet().send();
  }
  Slice subject(double seconds) override {
    return packets_.measure(
        seconds, channels_,
        [](bab::PacketChannel& c, std::span<bab::SendPacket> items) { c.try_send(items); },
        [](bab::PacketChannel& c, std::span<bab::SendPacket> out) { return c.try_receive(out); });
  }

 private:
  ThereAndBack<bab::SendPacket> packets_;
};

/// The same with Packet::send() before and receive() after, as in a pipeline of lcores. No goal.
class Packets final : public ChannelRig {
 public:
  Packets() {
    for (bab::Packet& p : packets_.items()) p = make_packet();
  }
  Slice subject(double seconds) override {
    return packets_.measure(
        seconds, channels_,
        [](bab::PacketChannel& c, std::span<bab::Packet> items) {
          std::array<bab::SendPacket, kBurst> out;
          const std::size_t n = bab::Packet::send(items, out);
          c.try_send(std::span(out).first(n));
        },
        [](bab::PacketChannel& c, std::span<bab::Packet> out) {
          std::array<bab::SendPacket, kBurst> came;
          const unsigned n = c.try_receive(std::span(came).first(out.size()));
          (void)bab::SendPacket::receive(std::span(came).first(n), out);
          return n;
        });
  }

 private:
  ThereAndBack<bab::Packet> packets_;
};

}  // namespace

RowSpecs channel_rows() {
  const char* const floor = "rte_ring SP/SC of pointers, bursts of 32";
  return {{"channel_32", floor, "ns/packet", 2.0, Lcores::kTwo,
           [] { return std::make_unique<SendPackets>(); }},
          {"channel_packets_32", floor, "ns/packet", 0, Lcores::kTwo,
           [] { return std::make_unique<Packets>(); }}};
}

}  // namespace bench
