#include "wiring.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/base/error.hpp>

#include "rss.hpp"
#include "rx_buffers_view.hpp"

namespace testbab {
namespace {

constexpr unsigned kTestpmdMbcache = 250;

}  // namespace

void require_ports(const Engine& engine, std::size_t ports, bool named) {
  if (ports == 0)
    throw bab::Error(
        fmt::format("{} needs {}, and {}; name a NIC with -a PCI_ADDRESS or a virtual device with "
                    "--vdev=… before the --",
                    engine.name, engine.port_use, named ? "none is named" : "EAL brought none"));
  if (ports > engine.most_ports)
    throw bab::Error(fmt::format(
        "{} uses at most {} ports and {}; name fewer with -a or --vdev", engine.name,
        engine.most_ports,
        named ? fmt::format("{} are named", ports) : fmt::format("EAL brought {}", ports)));
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
    // No port stays started without its link having been waited for.
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
    // A capture waits for its reader. Elsewhere, frames that came when nobody listened are old.
    if (ran_ && queued == Queued::kFree && port.started() && port.driver() != "net_pcap")
      port.drain();
    if (!bab::is_memory_port(port.driver())) forget_held_frames(*unit.tx_pool);
    bank_stats(unit);
    unit.receives = false;
  }
  ran_ = true;
}

}  // namespace testbab
