#include "sender.hpp"

#include <algorithm>

#include <rte_cycles.h>

#include "wiring.hpp"

namespace testbab {

bab::WriterOptions writer_options(const Options& options, const bab::wire::FrameHeader& header,
                                  std::uint32_t mtu) {
  bab::WriterOptions o;
  o.payload_capacity = bab::wire::FrameHeader::payload_capacity(mtu);
  o.header_size = header.size();
  if (options.flush_messages > 0) o.flush.max_messages = options.flush_messages;
  o.flush.max_delay_tsc = options.max_delay_us * rte_get_tsc_hz() / 1'000'000;
  return o;
}

Sender::Sender(const Options& options, Wiring& wiring, std::size_t port, unsigned queue)
    : Poller(Direction::kTx),
      queue_(wiring.port(port).tx(queue)),
      header_(wiring.header(options, port, queue)),
      ring_(wiring.tx_pool(port).size()),
      writer_(wiring.tx_pool(port), ring_,
              writer_options(options, header_, wiring.port(port).mtu())),
      flusher_(queue_, header_, options.burst),
      burst_(options.burst),
      messages_a_frame_(options.flush_messages) {
  flusher_.add(ring_);
  works_with(wiring.tx_pool(port));
}

unsigned Sender::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  unsigned work = flusher_.poll(now_tsc);
  if (finished()) return work;
  if (phase == Phase::kRun)
    if (const std::uint32_t frames = frames_wanted(); frames > 0) work += make(now_tsc, frames);
  if (phase != Phase::kRun || made_all()) {
    writer_.flush();
    if (phase == Phase::kAbandon) flusher_.drop_pending();
    if (writer_.idle() && flusher_.idle()) finish();
  } else {
    work += writer_.poll(now_tsc);
  }
  const bab::FlusherStats& s = flusher_.stats();
  live_tx.publish(s.messages, s.bytes, s.frames, 0);
  live_writer.publish(writer_.stats());
  return work;
}

/// A burst waits, beside that which the flusher has. With all the pool's buffers in the ring each
/// would have left the caches before it goes.
std::uint32_t Sender::frames_wanted() const noexcept {
  return burst_ - std::min<std::uint32_t>(burst_, ring_.size());
}

std::uint64_t Sender::messages_of(std::uint32_t frames) const noexcept {
  return messages_a_frame_ == 0 ? ~std::uint64_t{0} : std::uint64_t{frames} * messages_a_frame_;
}

std::uint32_t Sender::bytes_of(std::uint32_t frames) const noexcept {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kBytesPerTurn, std::uint64_t{frames} * writer_.max_message()));
}

std::uint64_t Sender::sent() const noexcept {
  return flusher_.stats().messages - flusher_.stats().dropped_messages - queue_.refused_messages();
}

std::uint64_t Sender::unsent() const noexcept {
  return flusher_.stats().dropped_messages + queue_.refused_messages();
}

void Sender::sum_up(Summary& summary) const {
  const bab::FlusherStats& s = flusher_.stats();
  const std::uint64_t refused = queue_.refused_messages();
  summary.bus.messages_out += sent();
  summary.bus.bytes_out += s.bytes - s.dropped_bytes - queue_.refused_bytes();
  summary.bus.frames_out += queue_.counters().frames;
  summary.bus.lost += s.dropped_messages + refused;
  summary.drops += flusher_.drops();
  auto& messages = summary.ledger.row(row(), made());
  messages.out = {{"sent", sent()}, {"tx_full", s.dropped_messages}, {"tx_refused", refused}};
  summary.set_held_apart(header_.session());
  auto& frames = summary.ledger.row("frames written", writer_.stats().frames);
  frames.out = {{"sent", queue_.counters().frames},
                {"tx_full", flusher_.drops()[bab::Drop::kTxFull]},
                {"tx_refused", queue_.drops()[bab::Drop::kTxRefused]}};
}

}  // namespace testbab
