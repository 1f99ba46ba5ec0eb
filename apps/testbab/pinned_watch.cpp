#include "pinned_watch.hpp"

#include <algorithm>
#include <utility>

namespace testbab {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BAB_UNCHECKED __attribute__((no_sanitize("address", "thread"), noinline))
#else
#define BAB_UNCHECKED
#endif

/// A hash of the frame's length and first bytes: its header has a sequence number, so that every
/// frame has another one. The owner may be writing the bytes, or may have freed them. Then any
/// bytes are read; they are only compared.
BAB_UNCHECKED std::uint64_t content_of(const rte_mbuf* m) {
  constexpr std::size_t kWords = 8;  // 64 bytes: to the end of MoldUDP64's header
  const auto* bytes = static_cast<const volatile std::uint8_t*>(m->buf_addr);
  const std::size_t from =
      std::min<std::size_t>(m->data_off, m->buf_len < 8 * kWords ? 0 : m->buf_len - 8 * kWords);
  std::uint64_t hash = 0xcbf29ce484222325 ^ m->pkt_len;  // FNV-1a
  for (std::size_t i = 0; i < std::min<std::size_t>(8 * kWords, m->buf_len); ++i)
    hash = (hash ^ bytes[from + i]) * 0x100000001b3;
  return hash;
}

}  // namespace

void PinnedWatch::look(const std::vector<const bab::BufferPool*>& pools) {
  const auto now = Clock::now();
  std::map<const rte_mbuf*, Seen> seen;
  for (const bab::BufferPool* pool : pools)
    for (bab::BufferHolder& holder : pool->holders(pool->size())) {
      const rte_mbuf* buffer = holder.buffer;
      const std::uint64_t content = content_of(buffer);
      Seen s{pool->name(), std::move(holder), content, now, 1};
      if (const auto before = seen_.find(buffer);
          before != seen_.end() && before->second.content == content) {
        s.since = before->second.since;
        s.looks = before->second.looks + 1;
      }
      seen.emplace(buffer, std::move(s));
    }
  seen_ = std::move(seen);
  last_ = now;
}

void PinnedWatch::look_now_and_then(const std::vector<const bab::BufferPool*>& pools) {
  if (Clock::now() - last_ >= std::chrono::seconds(1)) look(pools);
}

std::vector<PinnedBuffer> PinnedWatch::pinned() const {
  std::vector<PinnedBuffer> all;
  for (const auto& [buffer, s] : seen_)
    if (s.looks > 1)
      all.push_back({s.pool, s.holder.buffer_id, s.holder.shares, s.holder.lcores,
                     std::chrono::duration<double>(last_ - s.since).count()});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return all;
}

}  // namespace testbab
