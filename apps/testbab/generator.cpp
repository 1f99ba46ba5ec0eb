#include "generator.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <rte_cycles.h>

#include <bab/base/error.hpp>

#include "tsc_clock.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

}  // namespace

bab::WriterOptions writer_options(const Options& options, const bab::wire::FrameHeader& header,
                                  std::uint32_t mtu) {
  bab::WriterOptions o;
  o.payload_capacity = bab::wire::FrameHeader::payload_capacity(mtu);
  o.header_size = header.size();
  o.flush.max_delay_tsc = options.max_delay_us * rte_get_tsc_hz() / 1'000'000;
  return o;
}

void require_fit(const MessageSizes& sizes, std::uint32_t most, std::uint32_t mtu) {
  if (sizes.max() > most)
    throw bab::Error(
        fmt::format("--msg-size={}: a frame of MTU {} holds a message of at most {} bytes; raise "
                    "--mtu or lower --msg-size",
                    sizes.max(), mtu, most));
}

TokenBucket share_of_rate(const Options& options, std::size_t index, std::size_t senders) {
  constexpr double kMostLate =
      0.25;  // seconds: longer than a loaded machine's scheduler takes an lcore away
  const std::uint64_t rate = options.rate.value_or(0);
  if (rate == 0) return {};
  const double interval = tsc_hz() * static_cast<double>(senders) / static_cast<double>(rate);
  return {interval, static_cast<std::uint64_t>(kMostLate * tsc_hz()),
          static_cast<double>(index) / static_cast<double>(senders)};
}

Generator::Generator(const Options& options, Wiring& wiring, std::size_t port, unsigned queue,
                     std::uint64_t count, const TokenBucket& pace)
    : Poller(Direction::kTx),
      end_(count == 0 || count > kNoEnd - bab::wire::kMoldFirstSequence
               ? kNoEnd
               : count + bab::wire::kMoldFirstSequence),
      pace_(pace),
      sizes_(options.sizes),
      queue_(wiring.port(port).tx(queue)),
      header_(wiring.header(options, port, queue)),
      ring_(wiring.tx_pool(port).size()),
      writer_(wiring.tx_pool(port), ring_,
              writer_options(options, header_, wiring.port(port).mtu())),
      flusher_(queue_, header_, options.burst) {
  flusher_.add(ring_);
  require_fit(sizes_, writer_.max_message(), wiring.port(port).mtu());
}

unsigned Generator::generate(std::uint64_t now_tsc) noexcept {
  // A turn's share: enough frames for a good burst, small enough to stay in the L2 cache.
  constexpr std::uint32_t kBytesPerTurn = 64 * 1024;
  constexpr std::uint32_t kPerMessage = 16;  // empty messages cost time, too
  const std::uint64_t due = std::min(pace_.due(now_tsc), end_ - next_);
  unsigned made = 0;
  for (std::uint32_t bytes = 0; bytes < kBytesPerTurn && made < due; ++made) {
    const std::uint32_t len = sizes_.of(next_);
    auto room = writer_.reserve(len);
    if (!room) break;
    payload_.fill(room.data(), len, next_);
    room.commit();
    ++next_;
    bytes += len + kPerMessage;
  }
  pace_.take(made);
  return made;
}

unsigned Generator::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  unsigned work = flusher_.poll();
  if (finished()) return work;
  if (phase == Phase::kRun) work += generate(now_tsc);
  if (phase != Phase::kRun || next_ == end_) {
    writer_.flush();
    if (phase == Phase::kAbandon) flusher_.drop_pending();
    if (writer_.idle() && flusher_.idle()) finish();
  } else {
    work += writer_.poll(now_tsc);
  }
  const bab::FlusherStats& s = flusher_.stats();
  live_tx.publish(s.messages, s.bytes, s.frames, 0);
  return work;
}

std::uint64_t Generator::sent() const noexcept {
  return flusher_.stats().messages - flusher_.stats().dropped_messages - queue_.refused_messages();
}

void Generator::sum_up(Summary& summary) const {
  const bab::FlusherStats& s = flusher_.stats();
  const std::uint64_t refused = queue_.refused_messages();
  summary.bus.messages_out += sent();
  summary.bus.bytes_out += s.bytes - s.dropped_bytes - queue_.refused_bytes();
  summary.bus.frames_out += queue_.counters().frames;
  summary.bus.lost += s.dropped_messages + refused;
  summary.drops += flusher_.drops();
  auto& messages = summary.ledger.row("messages generated", generated());
  messages.out = {{"sent", sent()}, {"tx_full", s.dropped_messages}, {"tx_refused", refused}};
  auto& frames = summary.ledger.row("frames written", writer_.stats().frames);
  frames.out = {{"sent", queue_.counters().frames},
                {"tx_full", flusher_.drops()[bab::Drop::kTxFull]},
                {"tx_refused", queue_.drops()[bab::Drop::kTxRefused]}};
}

std::vector<std::unique_ptr<Poller>> make_generators(const Options& options, Wiring& wiring,
                                                     std::size_t ports) {
  // The loopback port has as many TX queues as RX queues, whatever --txq says.
  const std::size_t sessions = ports * options.txq;
  std::vector<std::unique_ptr<Poller>> generators;
  const std::size_t senders =
      options.count > 0 ? std::min<std::size_t>(sessions, options.count) : sessions;
  std::size_t index = 0;
  for (std::size_t i = 0; i < ports; ++i)
    for (unsigned q = 0; q < options.txq; ++q, ++index) {
      // The first sessions take what doesn't divide; a share of 0 would mean "no end".
      const std::uint64_t share =
          options.count / sessions + (index < options.count % sessions ? 1 : 0);
      if (options.count > 0 && share == 0) continue;
      generators.push_back(std::make_unique<Generator>(options, wiring, i, q, share,
                                                       share_of_rate(options, index, senders)));
    }
  return generators;
}

}  // namespace testbab
