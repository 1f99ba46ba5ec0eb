#include <bab/port/queues.hpp>

#include <bab/wire/moldudp64.hpp>

namespace bab {

void TxQueue::refuse(rte_mbuf* m) noexcept {
  drops_.add(Drop::kTxRefused);
  if (BufferPool::of(m) == nullptr) {
    rte_pktmbuf_free(m);
    return;
  }
  const BufferMeta& meta = buffer_meta(m);
  refused_messages_ += meta.messages;
  refused_bytes_ += meta.payload_len - wire::kBlockLengthBytes * meta.messages;
  BufferPool::release(m);
}

}  // namespace bab
