#include "report_text.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "capture_request.hpp"
#include "verdict.hpp"

namespace testbab {

std::string with_prefix(double value) {
  constexpr std::array kPrefixes{"", " k", " M", " G", " T"};
  std::size_t i = 0;
  for (; value >= 999.5 && i + 1 < kPrefixes.size(); ++i) value /= 1000;
  if (i == 0) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, kPrefixes[i]);
}

LiveTotals LiveTotals::of(const Job& job) {
  LiveTotals s;
  for (const auto& stage : job.stages())
    for (const auto& p : stage) {
      s.tx_messages += p->live_tx.messages;
      s.tx_bytes += p->live_tx.bytes;
      s.tx_frames += p->live_tx.frames;
      s.rx_messages += p->live_rx.messages;
      s.rx_bytes += p->live_rx.bytes;
      s.rx_frames += p->live_rx.frames;
      s.gathered += p->live_gathered.frames();
      s.dropped += p->live_rx.dropped + p->live_tx.dropped;
    }
  return s;
}

LiveText::LiveText(Say say, unsigned period_s) : say_(std::move(say)), period_(period_s) {}

void LiveText::tick(const Job& job) {
  const auto now = Clock::now();
  if (period_.count() == 0 || now - last_time_ < period_) return;
  const LiveTotals s = LiveTotals::of(job);
  const double t = std::chrono::duration<double>(now - last_time_).count();
  const auto side = [&](const char* name, std::uint64_t m, std::uint64_t b, std::uint64_t f) {
    const double md = static_cast<double>(m);
    if (m == 0 && f > 0)  // frames that nobody looks into
      return fmt::format("  {} {:>7} frame/s {:>7}bit/s", name,
                         with_prefix(static_cast<double>(f) / t),
                         with_prefix(static_cast<double>(b) * 8 / t));
    return fmt::format("  {} {:>7} msg/s {:>7}bit/s {:>4.0f} msg/frame", name, with_prefix(md / t),
                       with_prefix(static_cast<double>(b) * 8 / t),
                       f > 0 ? md / static_cast<double>(f) : 0.0);
  };
  std::string line = fmt::format("{:6.1f} s", std::chrono::duration<double>(now - start_).count());
  if (s.tx_messages > 0)
    line += side("tx", s.tx_messages - last_.tx_messages, s.tx_bytes - last_.tx_bytes,
                 s.tx_frames - last_.tx_frames);
  if (s.rx_messages > 0 || s.tx_messages == 0)
    line += side("rx", s.rx_messages - last_.rx_messages, s.rx_bytes - last_.rx_bytes,
                 s.rx_frames - last_.rx_frames);
  line += fmt::format("  dropped {}\n", s.dropped - last_.dropped);
  say_(line);
  last_ = s;
  last_time_ = now;
}

std::string event_text(const EventSummary& e) {
  std::string t = fmt::format("{:6.1f} s  port {}: {}", e.seconds, e.port, e.what);
  if (e.doubtful_frames > 0)
    t += fmt::format("; {} frames were sent since it was last seen up, and may be lost",
                     e.doubtful_frames);
  return t;
}

std::string drops_text(const bab::DropCounters& drops) {
  std::string t;
  const auto add = [&](const std::string& line) { t += line + "\n"; };
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    if (drops[reason] > 0)
      add(fmt::format("  dropped {} as {}: {}", drops[reason], bab::drop_name(reason),
                      bab::drop_sentence(reason)));
  }
  return t;
}

std::string ledger_text(const bab::Ledger& ledger) {
  std::string t;
  const auto add = [&](const std::string& line) { t += line + "\n"; };
  for (const bab::Ledger::Row& row : ledger.rows()) {
    std::string sum;
    for (const auto& [name, n] : row.out)
      if (n > 0 || row.out.size() == 1)
        sum += fmt::format("{}{} {}", sum.empty() ? "" : " + ", n, name);
    if (!row.balanced()) sum += fmt::format(", {} unaccounted", row.unaccounted());
    add(fmt::format("  ledger: {} {} {} {}", row.name, row.in, row.balanced() ? "=" : "≠",
                    sum.empty() ? "0" : sum));
  }
  return t;
}

std::string summary_text(const Summary& s) {
  std::string t;
  const auto add = [&](const std::string& line) { t += line + "\n"; };
  for (const PortSummary& p : s.ports) {
    add(fmt::format("  ######################## statistics for port {:<2} ########################",
                    p.id));
    add(fmt::format("  {} ({}), MTU {}", p.name, p.driver, p.mtu));
    std::string who;
    for (const bab::Capability& c : p.offloads)
      who += fmt::format("{}{} by {}", who.empty() ? "" : ", ", c.name, c.by);
    add(fmt::format("  {}", who));
    add(fmt::format("  RX-packets: {:<14} RX-missed: {:<10} RX-bytes:  {}", p.stats.rx_frames,
                    p.stats.rx_missed, p.stats.rx_bytes));
    add(fmt::format("  RX-errors:  {:<14} RX-nombuf: {}", p.stats.rx_errors, p.stats.rx_nombuf));
    add(fmt::format("  TX-packets: {:<14} TX-errors: {:<10} TX-bytes:  {}", p.stats.tx_frames,
                    p.stats.tx_errors, p.stats.tx_bytes));
  }
  for (const EventSummary& e : s.events) add("  " + event_text(e));
  if (s.more_events > 0) add(fmt::format("  and {} events more", s.more_events));
  const BusTotals& b = s.bus;
  add(fmt::format("  ------------------------ bus, engine {}, {:.2f} s ------------------------",
                  s.engine, s.seconds));
  const auto side = [&](const char* name, std::uint64_t m, std::uint64_t bytes, std::uint64_t f) {
    const double md = static_cast<double>(m);
    add(fmt::format("  {} {} messages ({} msg/s), {} bytes, {} frames ({:.1f} messages each)", name,
                    m, s.seconds > 0 ? with_prefix(md / s.seconds) : "-", bytes, f,
                    f > 0 ? md / static_cast<double>(f) : 0.0));
  };
  if (b.messages_out + b.frames_out > 0) side("out:", b.messages_out, b.bytes_out, b.frames_out);
  if (b.messages_in + b.frames_in > 0) side("in: ", b.messages_in, b.bytes_in, b.frames_in);
  add(
      fmt::format("  lost {}, corrupt {}; {} streams: {} gaps, {} missing, {} frames out of order, "
                  "{} duplicates",
                  b.lost, b.corrupt, b.streams, b.gaps, b.missing, b.out_of_order, b.duplicates));
  for (const PortSummary& p : s.ports)
    if (p.gathered > 0)
      add(fmt::format(
          "  gathered: {} frames that port {} split over several buffers, by a copy each",
          p.gathered, p.id));
  if (s.latency) t += latency_text(*s.latency);
  t += drops_text(s.drops) + ledger_text(s.ledger);
  if (s.replay && s.replay->duplicates > 0)
    add(
        fmt::format("  left out: {} messages of the capture, as duplicates (of the same session, "
                    "number and bytes as others); --keep-duplicates sends them, too",
                    s.replay->duplicates));
  if (s.capture)
    add(fmt::format("  captured: {}", capture_text(s.capture->path, s.capture->stats)));
  for (const PoolSummary& p : s.pools) {
    add(fmt::format("  pool {}: {} of {} buffers back{}", p.name, p.buffers - p.leaked - p.held,
                    p.buffers, p.held > 0 ? fmt::format(", {} held by the driver", p.held) : ""));
    for (const bab::BufferHolder& h : p.holders) {
      std::string who;
      for (unsigned lcore : h.lcores) who += fmt::format(" lcore {}", lcore);
      add(fmt::format("    buffer {}: {} shares, held by{}", h.buffer_id, h.shares,
                      who.empty() ? " a queue or a driver" : who));
    }
  }
  for (const LcoreSummary& l : s.lcores) {
    const double cycles = static_cast<double>(l.busy_cycles + l.idle_cycles);
    add(fmt::format("  lcore {}: {} turns, {:.0f} % of its time busy", l.lcore, l.turns,
                    cycles > 0 ? 100 * static_cast<double>(l.busy_cycles) / cycles : 0.0));
  }
  t += verdict_of(s).text();
  return t;
}

}  // namespace testbab
