#include "held_frames.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <rte_mbuf.h>

#include <bab/base/drops.hpp>
#include <bab/memory/buffer_meta.hpp>

namespace testbab {
namespace {

/// Buffers that aren't free and that no lcore has a handle to.
std::vector<rte_mbuf*> with_the_driver(const bab::BufferPool& pool) {
  std::vector<rte_mbuf*> all;
  for (const bab::BufferHolder& h : pool.holders(pool.size()))
    if (h.lcores.empty() && h.shares == 1) all.push_back(const_cast<rte_mbuf*>(h.buffer));
  return all;
}

/// False: no flusher stamped this frame. A buffer that was only set aside has no bytes.
bool read_held(rte_mbuf* m, HeldFrame& frame) {
  const bab::BufferMeta& meta = bab::buffer_meta(m);
  const std::uint64_t behind = std::uint64_t{meta.payload_len} + bab::wire::kMoldBytes;
  if (meta.messages == 0 || m->nb_segs != 1 || m->pkt_len < behind) return false;
  const bab::wire::MoldHeader header =
      bab::wire::load_mold(rte_pktmbuf_mtod_offset(m, const std::uint8_t*, m->pkt_len - behind));
  if (header.count != meta.messages) return false;
  frame = {header.session, header.sequence, meta.messages,
           meta.payload_len - bab::wire::kBlockLengthBytes * meta.messages};
  return true;
}

std::uint64_t* term_of(bab::Ledger::Row& row, std::string_view name) {
  const auto found = std::find_if(row.out.begin(), row.out.end(),
                                  [name](const auto& each) { return each.first == name; });
  return found == row.out.end() ? nullptr : &found->second;
}

void move_term(bab::Ledger::Row& row, std::string_view from, std::string_view to, std::uint64_t n) {
  std::uint64_t* const had = term_of(row, from);
  if (had == nullptr || n == 0) return;
  n = std::min(n, *had);
  *had -= n;
  if (std::uint64_t* const has = term_of(row, to))
    *has += n;
  else
    row.out.emplace_back(std::string(to), n);
}

}  // namespace

std::vector<HeldFrame> held_frames(const bab::BufferPool& pool, std::uint64_t frames) {
  std::map<bab::wire::Session, std::vector<HeldFrame>> sessions;
  if (frames > 0)
    for (rte_mbuf* m : with_the_driver(pool))
      if (HeldFrame frame{}; read_held(m, frame)) sessions[frame.session].push_back(frame);
  std::size_t longest = 0;
  for (auto& [session, of_it] : sessions) {
    std::sort(of_it.begin(), of_it.end(),
              [](const HeldFrame& a, const HeldFrame& b) { return a.sequence > b.sequence; });
    longest = std::max(longest, of_it.size());
  }
  std::vector<HeldFrame> last;
  for (std::size_t i = 0; i < longest; ++i)
    for (const auto& [session, of_it] : sessions)
      if (i < of_it.size() && last.size() < frames) last.push_back(of_it[i]);
  return last;
}

void forget_held_frames(const bab::BufferPool& pool) {
  for (rte_mbuf* m : with_the_driver(pool)) bab::buffer_meta(m).messages = 0;
}

void HeldMessages::add(const HeldFrame& frame) {
  Sum& sum = sessions_[frame.session].sum;
  sum.frames += 1;
  sum.messages += frame.messages;
  sum.bytes += frame.bytes;
  messages_ += frame.messages;
}

auto HeldMessages::of(const bab::wire::Session& session) const -> Sum {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? Sum{} : found->second.sum;
}

void HeldMessages::set_apart(const bab::wire::Session& session, bab::Ledger& ledger,
                             std::size_t row) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  Entry& entry = found->second;
  entry.row = row;
  entry.has_row = true;
  move_term(ledger.at(row), "sent", kHeldTerm, entry.sum.messages);
}

void HeldMessages::lose(const HeldFrame& frame, bab::Ledger& ledger) const {
  const auto found = sessions_.find(frame.session);
  if (found == sessions_.end() || !found->second.has_row) return;
  move_term(ledger.at(found->second.row), kHeldTerm, bab::drop_name(bab::Drop::kTxUnsent),
            frame.messages);
}

}  // namespace testbab
