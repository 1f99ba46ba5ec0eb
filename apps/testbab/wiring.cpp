#include "wiring.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

#include "rss.hpp"
#include "rx_buffers_view.hpp"

namespace testbab {
namespace {

constexpr unsigned kTestpmdMbcache = 250;

std::string given_row(std::uint16_t port) {
  return fmt::format("port {}: frames given to the driver", port);
}

/// What a NIC held at the end of the run, `port`'s last, was lost when the port was stopped: `n`
/// frames of it.
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

/// net_pcap doesn't look whether its writes succeed; its files' sizes tell. 0 where one is no file.
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

/// Frames that are received and that nobody has taken. A driver that can't tell has at most its
/// descriptors.
std::uint32_t rx_queued(const bab::Port& port) {
  std::uint32_t n = 0;
  for (unsigned q = 0; q < port.rx_queues(); ++q) {
    const int used = rte_eth_rx_queue_count(port.id(), static_cast<std::uint16_t>(q));
    n += used < 0 ? port.rx_descriptors() : static_cast<std::uint32_t>(used);
  }
  return n;
}

}  // namespace

void require_ports(const Engine& engine, std::size_t ports) {
  if (ports == 0)
    throw bab::Error(
        fmt::format("{} needs {}, and EAL brought none; name a NIC with -a PCI_ADDRESS or a "
                    "virtual device with "
                    "--vdev=… before the --",
                    engine.name, engine.port_use));
  if (ports > engine.most_ports)
    throw bab::Error(
        fmt::format("{} uses at most {} ports and EAL brought {}; name fewer with -a or "
                    "--vdev",
                    engine.name, engine.most_ports, ports));
}

Wiring::Wiring(const Options& options, const Engine& engine, unsigned lcores, StopSignals& signals)
    : lcores_(lcores),
      burst_(options.burst),
      mbcache_(options.mbcache.value_or(kTestpmdMbcache)),
      mbuf_size_(options.mbuf_size),
      own_buffers_(options.total_num_mbufs),
      signals_(signals),
      engine_(&engine) {
  std::vector<std::uint16_t> ids = bab::port_ids();
  const std::uint16_t queues = std::max(options.rxq, options.txq);
  if (ids.empty() && engine.loopback_ports == 1) {
    loopback_.emplace(queues);
    ids = {loopback_->port_id()};
  } else if (ids.empty() && engine.loopback_ports == 2) {
    pair_.emplace(queues);
    ids = {pair_->port_ids()[0], pair_->port_ids()[1]};
  }
  require_ports(engine, ids.size());
  for (const auto& [id, mac] : options.eth_peer)
    if (std::find(ids.begin(), ids.end(), id) == ids.end())
      throw bab::Error(fmt::format("--eth-peer={},…: there is no port {}; the ports are {}", id, id,
                                   fmt::join(ids, ", ")));
  for (std::uint16_t id : ids) add_port(options, id);
  hot_unplug_.emplace(ids);
}

Wiring::~Wiring() = default;

void Wiring::require(const Engine& engine) const {
  require_ports(engine, is_loopback() && engine.loopback_ports == 0 ? 0 : units_.size());
}

std::vector<bab::RxQueue*> Wiring::rx_queues(std::size_t i) {
  Unit& unit = units_.at(i);
  unit.receives = true;
  std::vector<bab::RxQueue*> queues;
  for (unsigned q = 0; q < unit.port->rx_queues(); ++q) queues.push_back(&unit.port->rx(q));
  return queues;
}

void Wiring::start() {
  std::vector<std::size_t> all(units_.size());
  std::iota(all.begin(), all.end(), 0);
  start(all);
}

void Wiring::start(std::span<const std::size_t> ports) {
  std::vector<std::size_t> stopped;
  std::copy_if(ports.begin(), ports.end(), std::back_inserter(stopped),
               [this](std::size_t i) { return !port(i).started(); });
  try {
    for (std::size_t i : stopped) begin_start(i);
    for (std::size_t i : stopped) await_link(i);
  } catch (...) {
    // None stays behind whose link nobody has waited for.
    for (std::size_t i : stopped) stop(i);
    throw;
  }
}

void Wiring::begin_start(std::size_t i) {
  try {
    port(i).begin_start();
  } catch (const bab::TooFewBuffers& e) {
    if (!own_buffers_) throw;
    throw bab::Error(fmt::format("{}: --total-num-mbufs={} or, better, without it", e.what(),
                                 buffers_for(e.needed())));
  }
}

void Wiring::await_link(std::size_t i) {
  bab::Port& port = *units_.at(i).port;
  const auto say = [&](const std::string& what) {
    say_(fmt::format("port {} ({}, {}): {}\n", port.id(), port.name(), port.driver(), what));
  };
  constexpr unsigned kQuiet = 20;  // tenths of a second
  const bool had_interrupt = port.has_link_interrupt();
  const unsigned longest = port.longest_link_wait_s();
  unsigned asked = 0;
  port.start([&] {
    if (++asked == kQuiet) say(fmt::format("waiting for its link, for {} s at most", longest));
    return signals_.pending();
  });
  if (had_interrupt && !port.has_link_interrupt())
    say("its interrupt told of no link, so it was started again without; its link is looked at "
        "every 100 ms");
}

bool Wiring::told_of_splits(std::size_t i) const {
  return !is_loopback() && !split_note(*units_.at(i).port, mbuf_size_).empty();
}

std::vector<std::string> Wiring::new_notes() {
  std::vector<std::string> fresh, all;
  for (const Unit& unit : is_loopback() ? std::span<const Unit>() : std::span(units_)) {
    std::vector<std::string> notes = unit.port->notes();
    notes.push_back(split_note(*unit.port, mbuf_size_));
    notes.push_back(rss_note(*unit.port));
    for (std::string& note : notes) {
      if (note.empty() || std::find(all.begin(), all.end(), note) != all.end()) continue;
      if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) fresh.push_back(note);
      all.push_back(std::move(note));
    }
  }
  notes_ = std::move(all);
  return fresh;
}

std::vector<RxSample> Wiring::rx_samples() const {
  std::vector<RxSample> all;
  for (const Unit& unit : units_) {
    if (!unit.receives) continue;
    RxSample& sample = all.emplace_back();
    const bab::PortStats s = unit.port->stats();
    sample.port = unit.port->id();
    for (unsigned q = 0; q < unit.port->rx_queues(); ++q)
      sample.taken += unit.port->rx(q).counters().frames;
    sample.missed = s.rx_missed;
    sample.nombuf = s.rx_nombuf;
    sample.pool = unit.rx_pool->name();
    sample.free = unit.rx_pool->available();
    sample.buffers = unit.rx_pool->size();
  }
  return all;
}

void Wiring::stop(std::size_t i) {
  Unit& unit = units_.at(i);
  bab::Port& port = *unit.port;
  if (!port.started()) return;
  if (bab::is_memory_port(port.driver())) port.drain();
  const std::uint64_t before = port.drops()[bab::Drop::kTxUnsent];
  port.stop();
  const std::uint64_t lost = port.drops()[bab::Drop::kTxUnsent] - before;
  unit.unsent += lost;
  if (lost > 0)
    say_(
        fmt::format("port {} ({}, {}): {} frames still waited in its transmit queues when it was "
                    "stopped, and are lost\n",
                    port.id(), port.name(), port.driver(), lost));
}

bab::wire::FrameHeaderOptions Wiring::header_options(const Options& options, std::size_t i,
                                                     unsigned queue) const {
  const bab::Port& port = *units_.at(i).port;
  bab::wire::FrameHeaderOptions h;
  h.source_mac = port.mac();
  if (const auto peer = options.eth_peer.find(port.id()); peer != options.eth_peer.end())
    h.destination_mac = peer->second;
  else if (bab::wire::is_multicast(options.destination_ip))
    h.destination_mac = bab::wire::multicast_mac(options.destination_ip);
  else  // testpmd's peer addresses
    h.destination_mac = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(port.id())};
  h.vlan_id = options.vlan;
  h.source_ip = options.source_ip;
  h.destination_ip = options.destination_ip;
  // Another source port per queue: receivers' RSS can tell the sessions apart. 65535 is followed
  // by 1.
  h.source_port = queue == 0
                      ? options.source_port
                      : static_cast<std::uint16_t>((options.source_port + queue - 1) % 65535 + 1);
  h.destination_port = options.destination_port;
  // One session per TX queue: the first one has the name that was asked for.
  const std::string name = options.session.value_or(engine_->session);
  std::string session = name;
  const std::size_t index = i * port.tx_queues() + queue;
  if (index > 0) {
    const auto numbered = [&](char separator) {
      const std::string suffix = fmt::format("{}{}", separator, index);
      return name.substr(0, std::size_t{10} - suffix.size()) + suffix;
    };
    session = numbered('.');
    if (session == name) session = numbered('-');
  }
  h.session = bab::wire::make_session(session);
  h.ip_checksum = port.offloads().tx_ip;
  h.udp_checksum = port.offloads().tx_udp;
  h.vlan_tag = port.offloads().tx_vlan;
  return h;
}

void Wiring::begin(const Engine& engine, Queued queued) {
  engine_ = &engine;
  for (Unit& unit : units_) {
    bab::Port& port = *unit.port;
    // A capture waits for its reader; elsewhere what came when nobody listened is old.
    if (ran_ && queued == Queued::kFree && port.started() && port.driver() != "net_pcap")
      port.drain();
    if (!bab::is_memory_port(port.driver())) forget_held_frames(*unit.tx_pool);
    bank_stats(unit);
    unit.receives = false;
  }
  ran_ = true;
}

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
    port.reclaim();
    if (!unit.watch->removed()) (void)port.await_sent();
    p.stats = port.stats();
    bab::PortStats ours = p.stats;
    if (!unit.receives) ours.rx_missed = ours.rx_nombuf = ours.rx_errors = 0;
    summary.drops += port.drops(ours);
    // A NIC's own count has frames in it that nobody took from its queues before the stop.
    for (unsigned q = 0; q < port.rx_queues(); ++q) p.taken += port.rx(q).counters().frames;
    p.captures = bab::capture_files(port.id());
    if (queued == Queued::kFree && bab::is_memory_port(port.driver())) p.left = port.drain();
    const bab::TxAccount tx = port.tx_account();
    unit.held = held_frames(*unit.tx_pool, unit.watch->removed() ? 0 : tx.unsent);
    unit.unsent_before = unit.unsent;
    for (const HeldFrame& frame : unit.held) summary.held.add(frame);
    add_rows(unit, p, tx, summary.ledger);
    summary.ports.push_back(std::move(p));
  }
}

/// Our count of frames against the driver's, which a NIC keeps itself.
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

/// It can't be stopped or closed in any reasonable time.
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
  // What their drivers hold stays theirs, and while there is a port EAL doesn't end, which would
  // close them: the process does.
  for (Unit& unit : units_) {
    (void)unit.port.release();
    unit.watch.reset();
  }
  hot_unplug_.reset();
}

}  // namespace testbab
