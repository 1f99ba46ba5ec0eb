#include <bab/port/queues.hpp>

namespace bab {

void TxQueue::refuse(rte_mbuf* m) noexcept {
  drops_.add(Drop::kTxRefused);
  if (BufferPool::of(m) == nullptr) {
    rte_pktmbuf_free(m);
    return;
  }
  refused_messages_ += buffer_meta(m).messages;
  BufferPool::release(m);
}

}  // namespace bab
