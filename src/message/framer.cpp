#include <bab/message/framer.hpp>

namespace bab {
namespace {

/// Gives up one share of each segment; every segment of a split frame has a share count of its own.
void give_back(rte_mbuf* m) noexcept {
  while (m != nullptr) {
    rte_mbuf* const next = m->next;
    // The shares of a bab pool's buffers are counted by the pool's rules, those of other mbufs by
    // DPDK's, which their owners use.
    if (BufferPool::of(m) != nullptr) {
      // Only the lcore that gives up the last share may write to the mbuf.
      if (Shares<>::give_up(m)) {
        m->next = nullptr;
        m->nb_segs = 1;
        BufferPool::recycle(m);
      }
    } else {
      rte_pktmbuf_free_seg(m);
    }
    m = next;
  }
}

}  // namespace

static_assert(RTE_MBUF_F_RX_IP_CKSUM_NONE ==
              (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_BAD));
static_assert(RTE_MBUF_F_RX_L4_CKSUM_NONE ==
              (RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD));

bool Framer::has_second_tag(const rte_mbuf* m) noexcept {
  if ((m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED) != 0) return true;
  return wire::has_tag({rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len});
}

rte_mbuf* Framer::mend(rte_mbuf* m, Drop reason) noexcept {
  rte_mbuf* copy = nullptr;
  if (reason == Drop::kForeignBuffer || reason == Drop::kMultiSegment) {
    BufferPool* const pool = options_.copies != nullptr ? options_.copies : BufferPool::of(m);
    if (pool != nullptr) copy = pool->copy_of(m);
  }
  if (copy == nullptr) {
    drop(m, reason);
    return nullptr;
  }
  ++(reason == Drop::kMultiSegment ? stats_.gathered : stats_.copied);
  give_back(m);
  return copy;
}

void Framer::drop(rte_mbuf* m, Drop reason) noexcept {
  drops_.add(reason);
  give_back(m);
}

}  // namespace bab
