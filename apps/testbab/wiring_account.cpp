// What the ports did in a run: their statistics, their rows of the ledger, and the frames that are
// lost or still held when they stop.
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include "wiring.hpp"

namespace testbab {
namespace {

std::string given_row(std::uint16_t port) {
  return fmt::format("port {}: frames given to the driver", port);
}

/// `n` of the frames that `port`'s NIC held at the end of its last run were lost when the port was
/// stopped.
void move_to_unsent(bab::Ledger& ledger, std::uint16_t port, std::uint64_t n) {
  bab::Ledger::Row* const row = ledger.find(given_row(port));
  if (row == nullptr) return;
  const auto held = std::find_if(row->out.begin(), row->out.end(),
                                 [](const auto& term) { return term.first == kHeldTerm; });
  if (held == row->out.end()) return;
  const std::uint64_t moved = std::min(n, held->second);
  held->second -= moved;
  row->out.emplace_back(bab::drop_name(bab::Drop::kTxUnsent), moved);
}

/// Bytes that aren't in the capture files of a net_pcap port, which doesn't look whether its writes
/// succeed. 0 where one of them is no regular file.
std::uint64_t missing_in_capture(const PortSummary& port) {
  constexpr std::uint64_t kFileHeader = 24, kFrameHeader = 16;  // libpcap's savefile format
  std::uint64_t whole = port.stats.tx_bytes + kFrameHeader * port.stats.tx_frames;
  std::uint64_t size = 0;
  for (const std::string& path : port.captures) {
    whole += kFileHeader;
    struct stat file {};
    if (stat(path.c_str(), &file) != 0) continue;
    if (!S_ISREG(file.st_mode)) return 0;
    size += static_cast<std::uint64_t>(file.st_size);
  }
  return whole - std::min(whole, size);
}

void add(bab::PortStats& sum, const bab::PortStats& s) {
  sum.rx_frames += s.rx_frames;
  sum.rx_bytes += s.rx_bytes;
  sum.tx_frames += s.tx_frames;
  sum.tx_bytes += s.tx_bytes;
  sum.rx_missed += s.rx_missed;
  sum.rx_nombuf += s.rx_nombuf;
  sum.rx_errors += s.rx_errors;
  sum.tx_errors += s.tx_errors;
}

/// Frames that were received and that no poller has taken. Where a driver can't tell, as many as it
/// has descriptors.
std::uint32_t rx_queued(const bab::Port& port) {
  std::uint32_t n = 0;
  for (unsigned q = 0; q < port.rx_queues(); ++q) {
    const int used = rte_eth_rx_queue_count(port.id(), static_cast<std::uint16_t>(q));
    n += used < 0 ? port.rx_descriptors() : static_cast<std::uint32_t>(used);
  }
  return n;
}

}  // namespace

void Wiring::bank_stats(Unit& unit) {
  add(unit.past, unit.port->stats());
  unit.port->clear_stats();
}

void Wiring::begin_receiving() {
  for (Unit& unit : units_) {
    if (!unit.receives) continue;
    const bab::PortStats before = unit.port->stats();
    unit.port->clear_losses();
    const bab::PortStats after = unit.port->stats();
    unit.past.rx_missed += before.rx_missed - after.rx_missed;
    unit.past.rx_nombuf += before.rx_nombuf - after.rx_nombuf;
    unit.past.rx_errors += before.rx_errors - after.rx_errors;
  }
}

bab::PortStats Wiring::stats(std::size_t i) const {
  const Unit& unit = units_.at(i);
  bab::PortStats sum = unit.past;
  add(sum, unit.port->stats());
  return sum;
}

void Wiring::clear_stats(std::size_t i) {
  const bab::PortStats now = units_.at(i).port->stats();
  units_[i].past = {-now.rx_frames, -now.rx_bytes,  -now.tx_frames, -now.tx_bytes,
                    -now.rx_missed, -now.rx_nombuf, -now.rx_errors, -now.tx_errors};
}

void Wiring::collect(Summary& summary, Queued queued) {
  for (Unit& unit : units_) {
    bab::Port& port = *unit.port;
    PortSummary p;
    p.id = port.id();
    p.name = port.name();
    p.driver = port.driver();
    p.mtu = port.mtu();
    p.offloads = port.offloads().report;
    p.rx_buffers = port.rx_buffers();
    p.receives = unit.receives;
    port.reclaim();
    if (!unit.watch->removed()) (void)port.await_sent();
    p.stats = port.stats();
    bab::PortStats ours = p.stats;
    if (!unit.receives) ours.rx_missed = ours.rx_nombuf = ours.rx_errors = 0;
    summary.drops += port.drops(ours);
    // Not the NIC's own count: it includes frames that no poller took before the stop.
    for (unsigned q = 0; q < port.rx_queues(); ++q) p.taken += port.rx(q).counters().frames;
    p.captures = bab::pcap_files(port.id());
    if (queued == Queued::kFree && bab::is_memory_port(port.driver())) p.left = port.drain();
    const bab::TxAccount tx = port.tx_account();
    unit.held = held_frames(*unit.tx_pool, unit.watch->removed() ? 0 : tx.unsent);
    unit.unsent_before = unit.unsent;
    for (const HeldFrame& frame : unit.held) summary.held.add(frame);
    add_rows(unit, p, tx, summary.ledger);
    summary.ports.push_back(std::move(p));
  }
}

/// Our count of frames against the driver's, which is often the NIC's own.
void Wiring::add_rows(const Unit& unit, const PortSummary& p, const bab::TxAccount& tx,
                      bab::Ledger& ledger) {
  bab::Port& port = *unit.port;
  if (tx.given > 0) {
    auto& row = ledger.row(given_row(p.id), tx.given);
    row.out = {{"sent", tx.sent}, {"tx_errors", tx.failed}};
    if (tx.unsent > 0) row.out.emplace_back(kHeldTerm, tx.unsent);
  }
  if (!unit.receives) return;
  const std::uint64_t received = p.stats.rx_frames + port.rx_waited();
  auto& row = ledger.row(fmt::format("port {}: frames received", p.id), received + p.left);
  row.out = {{"taken by pollers", p.taken}, {"freed at the stop", p.left + port.rx_lost()}};
  const std::uint64_t taken = std::min(p.taken + port.rx_lost(), received);
  const std::uint64_t held = std::min<std::uint64_t>(rx_queued(port), received - taken);
  if (held > 0) row.out.emplace_back(kHeldTerm, held);
}

/// The port can't be stopped or closed in any reasonable time.
bool Wiring::is_lost(const Unit& unit) const {
  return unit.port && unit.watch && unit.watch->removed() && hot_unplug_ &&
         hot_unplug_->takes_registers(unit.port->name());
}

void Wiring::close(Summary& summary) {
  for (std::size_t i = 0; i < units_.size(); ++i)
    if (units_[i].port && !is_lost(units_[i])) stop(i);
  for (const Unit& unit : units_) {
    summary.drops.add(bab::Drop::kTxUnsent, unit.unsent);
    const std::uint64_t lost = unit.unsent - unit.unsent_before;
    if (unit.port && lost > 0) move_to_unsent(summary.ledger, unit.port->id(), lost);
    for (std::size_t i = 0; i < std::min<std::uint64_t>(lost, unit.held.size()); ++i)
      summary.lose_held(unit.held[i]);
  }
  for (Unit& unit : units_) {
    if (is_lost(unit)) continue;
    unit.of_port = unit.port->made_pools();
    unit.watch.reset();
    unit.port.reset();
  }
  loopback_.reset();
  pair_.reset();
  for (PortSummary& port : summary.ports)
    if (!port.captures.empty()) port.capture_missing = missing_in_capture(port);
  audit(summary);
  // The drivers of lost ports keep what they hold. EAL's end would close these ports, so EAL isn't
  // ended as long as there is a port: the process ends instead.
  for (Unit& unit : units_) {
    (void)unit.port.release();
    unit.watch.reset();
  }
  hot_unplug_.reset();
}

}  // namespace testbab
