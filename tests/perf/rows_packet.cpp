#include <rte_mbuf.h>

#include <bab/memory/packet.hpp>
#include <bab/memory/send_packet.hpp>

#include "one_lcore.hpp"
#include "opaque.hpp"
#include "pools.hpp"

namespace bench {
namespace {

class PacketRig {
 public:
  PacketRig() {
    rte_mbuf* m = pool_.try_acquire();
    packet_ = bab::PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, std::uint8_t*), 32);
    shared_ = pool_.try_acquire();
    rte_mbuf_refcnt_update(shared_, 2);
  }
  ~PacketRig() {
    rte_mbuf_refcnt_set(shared_, 1);
    bab::BufferPool::release(shared_);
  }

  /// One atomic operation: up, then down. The count stays above 1, because at 1 it would be a plain
  /// store.
  void floor(benchmark::State& state) {
    std::int16_t by = 1;
    for (auto _ : state) {
      rte_mbuf_refcnt_update(shared_, by);
      by = static_cast<std::int16_t>(-by);
    }
  }

 protected:
  bab::BufferPool pool_{pool_options(64, 2176)};
  rte_mbuf* shared_;
  bab::Packet packet_;
};

class CloneDrop : public PacketRig {
 public:
  void subject(benchmark::State& state) {
    for (auto _ : state) {
      const bab::Packet copy = packet_.clone();
      clobber();  // otherwise the compiler could remove both operations
    }
  }
};

class SendReceive : public PacketRig {
 public:
  void subject(benchmark::State& state) {
    for (auto _ : state) {
      bab::SendPacket on_its_way = packet_.send();
      clobber();
      packet_ = on_its_way.receive();
      clobber();
    }
  }
};

}  // namespace

RowSpecs packet_rows() {
  return {{"packet_clone_drop", "one rte_mbuf_refcnt_update at refcnt >= 2", "ns/packet", 0.2,
           Lcores::kOne, one_lcore<CloneDrop>},
          {"packet_send_receive", "one rte_mbuf_refcnt_update at refcnt >= 2", "ns/packet", 1.0,
           Lcores::kOne, one_lcore<SendReceive>}};
}

}  // namespace bench
