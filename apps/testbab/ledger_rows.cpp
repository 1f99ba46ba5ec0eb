#include "ledger_rows.hpp"

namespace testbab {

void add_received(Summary& summary, const bab::Framer& framer) {
  const bab::FramerStats& s = framer.stats();
  summary.bus.messages_in += s.messages;
  summary.bus.bytes_in += s.bytes;
  summary.bus.frames_in += s.frames;
  summary.drops += framer.drops();
}

void add_foreign(Summary& summary, std::uint64_t own, std::uint64_t foreign) {
  if (foreign == 0) return;
  summary.ledger.row("messages received", summary.bus.messages_in).out = {
      {"of its own sessions", own}, {"foreign", foreign}};
}

void add_frames_row(Summary& summary) {
  std::uint64_t received = 0;
  for (const PortSummary& port : summary.ports) received += port.taken;
  auto& row = summary.ledger.row("frames received", received);
  row.out.emplace_back("good", summary.bus.frames_in);
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    // What the NIC or driver dropped is not among the frames that were taken.
    if (bab::drop_stage(reason) != bab::DropStage::kReceive) continue;
    if (const std::uint64_t n = summary.drops[reason]; n > 0)
      row.out.emplace_back(bab::drop_name(reason), n);
  }
}

void Written::add(const bab::FlusherStats& stats, const bab::DropCounters& flusher_drops) {
  flushed.messages += stats.messages;
  flushed.bytes += stats.bytes;
  flushed.frames += stats.frames;
  flushed.dropped_messages += stats.dropped_messages;
  flushed.dropped_bytes += stats.dropped_bytes;
  drops += flusher_drops;
}

std::uint64_t unsent_messages(const bab::FlusherStats& flushed, const bab::TxQueue& queue) {
  return flushed.dropped_messages + queue.refused_messages();
}

std::uint64_t sent_messages(const bab::FlusherStats& flushed, const bab::TxQueue& queue) {
  return flushed.messages - unsent_messages(flushed, queue);
}

void add_sent(Summary& summary, const Written& written, const bab::TxQueue& queue) {
  const bab::FlusherStats& s = written.flushed;
  const std::uint64_t sent = sent_messages(s, queue), frames = queue.counters().frames;
  summary.bus.messages_out += sent;
  summary.bus.bytes_out += s.bytes - s.dropped_bytes - queue.refused_bytes();
  summary.bus.frames_out += frames;
  summary.drops += written.drops;
  auto& messages = summary.ledger.row(written.row, written.messages).out;
  messages.emplace_back("sent", sent);
  messages.insert(messages.end(), written.unwritten.begin(), written.unwritten.end());
  messages.emplace_back("tx_full", s.dropped_messages);
  messages.emplace_back("tx_refused", queue.refused_messages());
  summary.set_held_apart(written.session);
  summary.ledger.row("frames written", written.frames).out = {
      {"sent", frames},
      {"tx_full", written.drops[bab::Drop::kTxFull]},
      {"tx_refused", queue.drops()[bab::Drop::kTxRefused]}};
}

}  // namespace testbab
