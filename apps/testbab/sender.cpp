#include "sender.hpp"

#include <algorithm>

#include <rte_cycles.h>

#include "ledger_rows.hpp"
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

/// As many as make a burst in the ring, beside the frames that the flusher has. Were all of the
/// pool's buffers in the ring, each would have left the CPU's caches before it is sent.
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

std::uint64_t Sender::sent() const noexcept { return sent_messages(flusher_.stats(), queue_); }

std::uint64_t Sender::unsent() const noexcept { return unsent_messages(flusher_.stats(), queue_); }

void Sender::sum_up(Summary& summary) const {
  summary.bus.lost += unsent();
  add_sent(summary,
           {.row = row(),
            .messages = made(),
            .frames = writer_.stats().frames,
            .flushed = flusher_.stats(),
            .drops = flusher_.drops(),
            .session = header_.session()},
           queue_);
}

}  // namespace testbab
