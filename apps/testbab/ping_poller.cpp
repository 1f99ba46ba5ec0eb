#include "ping_poller.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>
#include <rte_cycles.h>

#include <bab/base/error.hpp>

#include "generator.hpp"
#include "ledger_rows.hpp"
#include "receiver.hpp"
#include "tsc_clock.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// A message: when it should have gone, then its number and the bytes that go with that.
constexpr std::size_t kPayloadAt = sizeof(std::uint64_t);

/// More frames than a NIC's queues hold: all that came while an lcore was away are among these.
constexpr std::uint64_t kMaxQueued = 65'536;

std::uint64_t ticks(unsigned ms) {
  return static_cast<std::uint64_t>(static_cast<double>(ms) * tsc_hz() / 1000);
}

TokenBucket pace(const Options& options) {
  PingPoller::require(options);
  const std::uint64_t rate = options.rate.value_or(PingPoller::kRate);
  return {tsc_hz() / static_cast<double>(rate), ticks(options.ping_timeout_ms)};
}

}  // namespace

void PingPoller::require(const Options& options) {
  if (options.rate == 0U)
    throw bab::Error(
        "--rate=0: ping takes the time from when each message should go, and needs a rate for "
        "that; give one or leave it out");
  if (options.sizes.min() < kShortest)
    throw bab::Error(
        fmt::format("--msg-size={}: ping's messages carry their time and number in {} bytes; give "
                    "{} or more",
                    options.sizes.min(), kShortest, kShortest));
}

PingPoller::PingPoller(const Options& options, Wiring& wiring, std::size_t port)
    : Poller(Direction::kBoth),
      end_(options.count == 0 || options.count == std::numeric_limits<std::uint64_t>::max()
               ? std::numeric_limits<std::uint64_t>::max()
               : options.count + 1),
      timeout_(ticks(options.ping_timeout_ms)),
      pace_(pace(options)),
      payload_(options.payload),
      sizes_(options.sizes),
      slots_(kWindow),
      rx_(wiring.rx_queues(port)),
      burst_size_(options.burst),
      framer_(framer_options(options, wiring, port)),
      queue_(wiring.port(port).tx(0)),
      header_(wiring.header(options, port, 0)),
      ring_(wiring.tx_pool(port).size()),
      writer_(wiring.tx_pool(port), ring_,
              writer_options(options, header_, wiring.port(port).mtu())),
      flusher_(queue_, header_, options.burst) {
  flusher_.add(ring_);
  works_with(wiring.tx_pool(port));
  works_with(wiring.rx_pool(port));
  receives_on(port);
  require_fit(sizes_, writer_.max_message(), wiring.port(port).mtu());
}

unsigned PingPoller::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  if (finished()) return 0;
  unsigned work = receive();
  if (phase == Phase::kRun) work += generate();
  work += flusher_.poll(now_tsc);
  if (phase == Phase::kAbandon) {
    flusher_.drop_pending();
    expire(std::numeric_limits<std::uint64_t>::max());
  }
  if ((phase != Phase::kRun || next_ == end_) && oldest_ == next_ && flusher_.idle()) finish();
  if (work > 0) {
    publish_received(framer_);
    const bab::FlusherStats& out = flusher_.stats();
    live_tx.publish(out.messages, out.bytes, out.frames, 0);
    live_writer.publish(writer_.stats());
  }
  return work;
}

unsigned PingPoller::receive() noexcept {
  unsigned frames = 0;
  bool more = false;
  for (bab::RxQueue* queue : rx_) {
    const unsigned n = queue->receive(std::span(burst_.data(), burst_size_));
    if (n == 0) continue;
    const std::uint64_t now = rte_rdtsc();
    for (unsigned i = 0; i < n; ++i) {
      rte_mbuf* const next = i + 1 < n ? burst_[i + 1] : nullptr;
      for (const auto message : framer_.accept(burst_[i], next)) judge(message, now);
    }
    frames += n;
    more |= n == burst_size_;
  }
  // Messages that came while this lcore was away are in time: the queues are emptied before any
  // message is called lost. But a flood of others' frames has no end.
  behind_ = more ? behind_ + frames : 0;
  if (!more || behind_ > kMaxQueued) expire(rte_rdtsc());
  return frames;
}

void PingPoller::judge(std::span<const std::uint8_t> message, std::uint64_t now) noexcept {
  if (message.size() < kShortest) return;
  std::uint64_t intended = 0, number = 0;
  std::memcpy(&intended, message.data(), sizeof intended);
  std::memcpy(&number, message.data() + kPayloadAt, sizeof number);
  // Not one of the last messages that went, or with another time: a stranger's.
  if (number == 0 || number >= next_ || next_ - number > kWindow) return;
  Slot& s = slot(number);
  if (s.intended != intended) return;
  if (s.state == State::kBack) {
    ++duplicates_;
    return;
  }
  if (message.size() != sizes_.of(number) || !payload_.matches(message.subspan(kPayloadAt), number))
    ++corrupt_;
  ticks_.record(now - intended);
  if (s.state == State::kLost) {
    late_ += 1;
    lost_ -= 1;
  } else {
    ++back_;
  }
  s.state = State::kBack;
}

unsigned PingPoller::generate() noexcept {
  const std::uint64_t now = rte_rdtsc();
  const std::uint64_t due = std::min({pace_.due(now), end_ - next_, kWindow - (next_ - oldest_)});
  unsigned made = 0;
  // The most in a turn: answers mustn't wait.
  constexpr unsigned kPerTurn = 256;
  for (; made < std::min<std::uint64_t>(due, kPerTurn); ++made) {
    const std::uint32_t len = sizes_.of(next_);
    auto room = writer_.reserve(len);
    if (!room) break;
    const std::uint64_t intended = pace_.next();
    std::memcpy(room.data(), &intended, sizeof intended);
    payload_.fill(room.data() + kPayloadAt, len - static_cast<std::uint32_t>(kPayloadAt), next_);
    room.commit();
    slot(next_) = {intended, now, State::kUnderWay};
    pace_.take(1);
    ++next_;
  }
  given_up_ = pace_.given_up();
  if (made > 0) writer_.flush();
  return made;
}

void PingPoller::expire(std::uint64_t now) noexcept {
  for (; oldest_ < next_; ++oldest_) {
    Slot& s = slot(oldest_);
    if (s.state != State::kUnderWay) continue;
    if (now - s.written <= timeout_) return;
    s.state = State::kLost;
    lost_ += 1;
  }
}

void PingPoller::sum_up(Summary& summary) const {
  const bab::FlusherStats& out = flusher_.stats();
  const std::uint64_t given = sent_messages(out, queue_);
  const std::uint64_t sent = given - std::min(summary.held.of(header_.session()).messages, given);
  const std::uint64_t unsent = out.messages - sent;
  BusTotals& bus = summary.bus;
  bus.lost += lost_ + late_;  // messages that weren't sent are among the lost ones
  bus.corrupt += corrupt_;
  bus.duplicates += duplicates_;
  add_received(summary, framer_);
  add_sent(summary,
           {.row = "messages written",
            .messages = next_ - 1,
            .frames = writer_.stats().frames,
            .flushed = out,
            .drops = flusher_.drops(),
            .session = header_.session()},
           queue_);
  summary.ledger.row("messages sent", sent).out = {
      {"back", back_},
      {"back late", late_},
      {"lost on the way", lost_ - std::min<std::uint64_t>(unsent, lost_)}};
  summary.latency = latency();
}

Latency PingPoller::latency() const {
  Latency l = latency_of(ticks_, tsc_hz());
  l.late = late_;
  l.lost = lost_;
  l.given_up = given_up_;
  return l;
}

}  // namespace testbab
