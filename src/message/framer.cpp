#include <bab/message/framer.hpp>

namespace bab {

void Framer::drop(rte_mbuf* m, Drop reason) noexcept {
  drops_.add(reason);
  while (m != nullptr) {
    rte_mbuf* next = m->next;
    if (BufferPool::of(m) != nullptr) {
      m->next = nullptr;
      m->nb_segs = 1;
      BufferPool::release(m);
    } else {
      rte_pktmbuf_free_seg(m);
    }
    m = next;
  }
}

}  // namespace bab
