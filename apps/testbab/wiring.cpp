#include "wiring.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

#include "rss.hpp"
#include "rx_buffers_view.hpp"

namespace testbab {
namespace {

constexpr unsigned kTestpmdMbcache = 250;
constexpr unsigned kTestpmdMbufSize = 2176;
constexpr unsigned kDefaultMtu = 1500;
constexpr unsigned kLoopbackMtu = 9000;

/// Bytes of a buffer that frames are written into, where `need` are needed.
std::uint32_t data_room(const Options& options, std::uint32_t need) {
  return std::max(need, options.mbuf_size.value_or(kTestpmdMbufSize));
}

/// `need`: bytes of a buffer that holds a frame; `may_split`: the driver can do with less.
void require_room(const Options& options, std::uint32_t mtu, std::uint32_t need, bool may_split) {
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint16_t>::max();
  if (need > kMost)
    throw bab::Error(
        fmt::format("the port's slots need buffers of {} bytes, and one has at most {}; give the "
                    "--vdev a smaller framesz (framesz=16384,blocksz=65536 carries jumbo frames)",
                    need, kMost));
  if (options.mbuf_size && *options.mbuf_size < need && !may_split)
    throw bab::Error(fmt::format(
        "--mbuf-size={} is too small: the port's MTU of {} needs buffers of {} bytes (headroom, "
        "Ethernet, VLAN and CRC included); raise --mbuf-size or lower --mtu",
        *options.mbuf_size, mtu, need));
}

bool may_split(std::uint16_t id) {
  rte_eth_dev_info info{};
  return rte_eth_dev_info_get(id, &info) == 0 && bab::can_split(info);
}

/// Names are unique in the process, and pools that are replaced still live.
std::string pool_name(std::string_view what, std::uint16_t id, unsigned generation) {
  return generation > 0 ? fmt::format("{}_{}.{}", what, id, generation)
                        : fmt::format("{}_{}", what, id);
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

/// Frames whose TX descriptors the NIC has not done yet.
std::uint32_t tx_queued(const bab::Port& port) {
  std::uint32_t n = 0;
  for (unsigned q = 0; q < port.tx_queues(); ++q)
    for (std::uint16_t d = 0; d < port.tx_descriptors(); ++d) {
      const int status = rte_eth_tx_descriptor_status(port.id(), static_cast<std::uint16_t>(q), d);
      if (status < 0) return n;  // the driver can't tell
      if (status == RTE_ETH_TX_DESC_FULL) ++n;
    }
  return n;
}

/// Frames that are received and that nobody has taken. A driver that can't tell has at most its descriptors.
std::uint32_t rx_queued(const bab::Port& port) {
  std::uint32_t n = 0;
  for (unsigned q = 0; q < port.rx_queues(); ++q) {
    const int used = rte_eth_rx_queue_count(port.id(), static_cast<std::uint16_t>(q));
    n += used < 0 ? port.rx_descriptors() : static_cast<std::uint32_t>(used);
  }
  return n;
}

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

}  // namespace

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

std::shared_ptr<bab::BufferPool> Wiring::make_pool(const Options& options, const std::string& name,
                                                   std::uint32_t room, std::uint32_t queued,
                                                   bool receives) const {
  bab::BufferPoolOptions o;
  o.name = name;
  o.data_room = static_cast<std::uint16_t>(room);
  o.receives = receives;
  o.cache = mbcache_;
  o.lcores = lcores_;
  o.buffers = options.total_num_mbufs.value_or(buffers_for(queued));
  return std::make_shared<bab::BufferPool>(o);
}

/// Where drivers hold so many: those, what lcores' caches would keep if nothing held them to a quarter of the pool (1.5
/// times their size each), and what lcores work with.
std::uint32_t Wiring::buffers_for(std::uint32_t held) const {
  const std::uint32_t kept = mbcache_ * 3 / 2;
  const std::uint32_t working = 2 * burst_;
  return held + lcores_ * (kept + working);
}

void Wiring::add_port(const Options& options, std::uint16_t id) {
  bab::PortOptions po;
  po.id = id;
  po.rx_queues = options.rxq;
  po.tx_queues = options.txq;
  po.rx_descriptors = options.rxd;
  po.tx_descriptors = options.txd;
  po.mtu = options.asked_mtu(units_.size()).value_or(is_loopback() ? kLoopbackMtu : kDefaultMtu);
  po.tx_checksum = options.tx_checksum;
  po.rx_checksum = options.rx_checksum;
  po.vlan = {options.tx_vlan, options.strip_vlan};
  po.promiscuous = options.promiscuous;
  if (is_loopback()) po.rx_queues = po.tx_queues = std::max(options.rxq, options.txq);

  if (options.mbuf_size) po.rx_data_room = static_cast<std::uint16_t>(*options.mbuf_size);
  const bool splits = !is_loopback() && may_split(id);
  require_room(options, po.mtu, bab::Port::data_room(po.mtu), splits);
  Unit unit;
  if (is_loopback()) {
    // It receives the very buffers that were sent, and needs no pool to receive into.
    make_tx_pool(options, po, unit);
    unit.rx_pool = unit.tx_pool;
    unit.port = std::make_unique<bab::Port>(po, *unit.rx_pool);
  } else {
    require_room(options, po.mtu, bab::Port::rx_data_room(id, po.mtu), splits);
    unit.port = std::make_unique<bab::Port>(po, rx_pool_maker(options, id, unit));
    make_tx_pool(options, po, unit);
    make_gathering_pool(options, unit);
  }
  unit.watch = std::make_unique<bab::PortWatch>(*unit.port);
  units_.push_back(std::move(unit));
}

void Wiring::make_tx_pool(const Options& options, const bab::PortOptions& po, Unit& unit) const {
  rte_eth_dev_info info{};
  (void)rte_eth_dev_info_get(po.id, &info);
  const std::uint32_t txd =
      bab::choose_descriptors(options.txd, info.default_txportconf.ring_size,
                              RTE_ETH_DEV_FALLBACK_TX_RINGSIZE, info.tx_desc_lim);
  unit.tx_pool = make_pool(options, pool_name("tx", po.id, unit.generation),
                           data_room(options, bab::Port::data_room(po.mtu)),
                           po.tx_queues * (is_loopback() ? bab::Loopback::kFrames : txd) +
                               2 * options.writers,  // each has a frame open and a buffer set aside
                           false);
}

bab::RxPoolMaker Wiring::rx_pool_maker(const Options& options, std::uint16_t id, Unit& unit) const {
  return [this, &options, id, &unit](const bab::RxPoolNeeds& needs) {
    const bool does = unit.rx_pool && unit.rx_pool->data_room() >= needs.data_room &&
                      (own_buffers_ || unit.rx_pool->size() >= buffers_for(needs.held));
    if (!does)
      unit.rx_pool = make_pool(options, pool_name("rx", id, unit.generation), needs.data_room,
                               needs.held, true);
    return unit.rx_pool;
  };
}

void Wiring::make_gathering_pool(const Options& options, Unit& unit) const {
  const std::uint32_t need = bab::Port::data_room(unit.port->mtu());
  if (unit.rx_pool->data_room() >= need)
    unit.gathering.reset();
  else if (!unit.gathering || unit.gathering->data_room() < need)
    unit.gathering =
        make_pool(options, pool_name("gather", unit.port->id(), unit.generation), need, 0, false);
}

void Wiring::set_mtu(const Options& options, std::size_t i, unsigned mtu) {
  Unit& unit = units_.at(i);
  bab::Port& port = *unit.port;
  Unit next;
  next.rx_pool = unit.rx_pool;
  next.tx_pool = unit.tx_pool;
  next.gathering = unit.gathering;
  next.generation = unit.generation + 1;
  const bool splits = !is_loopback() && may_split(port.id());
  require_room(options, mtu, bab::Port::data_room(mtu), splits);
  if (!is_loopback()) require_room(options, mtu, bab::Port::rx_data_room(port.id(), mtu), splits);
  if (bab::Port::data_room(mtu) > unit.tx_pool->data_room()) {
    bab::PortOptions po;
    po.id = port.id();
    po.tx_queues = static_cast<std::uint16_t>(port.tx_queues());
    po.mtu = mtu;
    make_tx_pool(options, po, next);
    if (is_loopback()) next.rx_pool = next.tx_pool;
  }
  const bool was_started = port.started();
  stop(i);
  bank_stats(unit);
  const auto start_again = [&] {
    if (was_started) start(i);
  };
  try {
    if (is_loopback())
      port.reconfigure(mtu, *next.rx_pool);
    else
      port.reconfigure(mtu, rx_pool_maker(options, port.id(), next));
  } catch (...) {
    start_again();
    throw;
  }
  unit.rx_pool = std::move(next.rx_pool);
  unit.tx_pool = std::move(next.tx_pool);
  unit.generation = next.generation;
  if (!is_loopback()) make_gathering_pool(options, unit);
  start_again();
}

std::vector<bab::RxQueue*> Wiring::rx_queues(std::size_t i) {
  Unit& unit = units_.at(i);
  unit.receives = true;
  std::vector<bab::RxQueue*> queues;
  for (unsigned q = 0; q < unit.port->rx_queues(); ++q) queues.push_back(&unit.port->rx(q));
  return queues;
}

void Wiring::start() {
  for (std::size_t i = 0; i < units_.size(); ++i) start(i);
}

void Wiring::start(std::size_t i) {
  if (port(i).started()) return;
  constexpr unsigned kQuiet = 20;  // tenths of a second
  unsigned asked = 0;
  try {
    port(i).start([&] {
      if (++asked == kQuiet)
        say_(fmt::format("port {} ({}, {}): waiting for its link, for 9 s at most\n", port(i).id(),
                         port(i).name(), port(i).driver()));
      return signals_.pending();
    });
  } catch (const bab::TooFewBuffers& e) {
    if (!own_buffers_) throw;
    throw bab::Error(fmt::format("{}: --total-num-mbufs={} or, better, without it", e.what(),
                                 buffers_for(e.needed())));
  }
}

bool Wiring::told_of_splits(std::size_t i) const {
  return !is_loopback() && !split_note(*units_.at(i).port, mbuf_size_).empty();
}

std::vector<std::string> Wiring::new_notes() {
  std::vector<std::string> fresh;
  if (is_loopback()) return fresh;
  for (const Unit& unit : units_)
    for (const std::string& note : {split_note(*unit.port, mbuf_size_), rss_note(*unit.port)}) {
      if (note.empty() || std::find(notes_.begin(), notes_.end(), note) != notes_.end()) continue;
      notes_.push_back(note);
      fresh.push_back(note);
    }
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
  bab::Port& port = *units_.at(i).port;
  if (!port.started()) return;
  if (bab::is_memory_port(port.driver())) port.drain();
  port.stop();
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
  // Another source port per queue: receivers' RSS can tell the sessions apart. 65535 is followed by 1.
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
    p.stats = port.stats();
    bab::PortStats ours = p.stats;
    if (!unit.receives) ours.rx_missed = ours.rx_nombuf = ours.rx_errors = 0;
    summary.drops += port.drops(ours);
    // A NIC's own count has frames in it that nobody took from its queues before the stop.
    for (unsigned q = 0; q < port.rx_queues(); ++q) p.taken += port.rx(q).counters().frames;
    p.captures = bab::capture_files(port.id());
    if (queued == Queued::kFree && bab::is_memory_port(port.driver())) p.left = port.drain();
    add_rows(unit, p, summary.ledger);
    summary.ports.push_back(std::move(p));
  }
}

/// Our count of frames against the driver's, which a NIC keeps itself.
void Wiring::add_rows(const Unit& unit, const PortSummary& p, bab::Ledger& ledger) {
  bab::Port& port = *unit.port;
  std::uint64_t given = 0;
  for (unsigned q = 0; q < port.tx_queues(); ++q) given += port.tx(q).counters().frames;
  if (given > 0) {
    const std::uint64_t gone = std::min(p.stats.tx_frames, given);
    const std::uint64_t failed = std::min(p.stats.tx_errors, given - gone);
    auto& row = ledger.row(fmt::format("port {}: frames given to the driver", p.id), given);
    row.out = {{"sent", p.stats.tx_frames}, {"tx_errors", failed}};
    // Where it can be asked: those whose descriptors aren't done.
    const std::uint64_t held = std::min<std::uint64_t>(tx_queued(port), given - gone - failed);
    if (held > 0) row.out.emplace_back("held by the NIC", held);
  }
  if (!unit.receives) return;
  auto& row = ledger.row(fmt::format("port {}: frames received", p.id), p.stats.rx_frames + p.left);
  row.out = {{"taken by pollers", p.taken}, {"freed at the stop", p.left}};
  const std::uint64_t taken = std::min(p.taken, p.stats.rx_frames);
  const std::uint64_t held = std::min<std::uint64_t>(rx_queued(port), p.stats.rx_frames - taken);
  if (held > 0) row.out.emplace_back("held by the NIC", held);
}

std::vector<const bab::BufferPool*> Wiring::pools() const {
  std::vector<const bab::BufferPool*> all;
  for (const Unit& unit : units_)
    for (const auto& pool : {unit.rx_pool, unit.tx_pool, unit.gathering})
      if (pool && std::find(all.begin(), all.end(), pool.get()) == all.end())
        all.push_back(pool.get());
  return all;
}

void Wiring::audit(Summary& summary) const {
  constexpr std::size_t kHoldersShown = 8;
  summary.pools.clear();
  for (const bab::BufferPool* pool : pools()) {
    PoolSummary p{pool->name(), pool->size(), pool->in_use()};
    if (p.leaked > 0) {
      std::vector<bab::BufferHolder> all = pool->holders(pool->size());
      // What a driver may have in its queues is not missing, and no lcore has anything to do with it.
      const auto missing = std::stable_partition(
          all.begin(), all.end(), [](const auto& h) { return h.lcores.empty() && h.shares == 1; });
      p.held = std::min(descriptors(*pool), static_cast<std::uint32_t>(missing - all.begin()));
      p.leaked -= std::min(p.held, p.leaked);
      all.erase(all.begin(), all.begin() + p.held);
      all.resize(std::min(all.size(), kHoldersShown));
      p.holders = std::move(all);
    }
    summary.pools.push_back(std::move(p));
  }
}

std::uint32_t Wiring::descriptors(const bab::BufferPool& pool) const {
  std::uint32_t n = 0;
  for (const Unit& unit : units_) {
    if (!unit.port || is_loopback()) continue;
    if (unit.rx_pool.get() == &pool)
      n += std::max(unit.port->rx_queues() * unit.port->rx_descriptors(),
                    unit.port->rx_buffers().held);
    if (unit.tx_pool.get() == &pool) n += unit.port->tx_queues() * unit.port->tx_descriptors();
  }
  return n;
}

/// It can't be stopped or closed in any reasonable time.
bool Wiring::is_lost(const Unit& unit) const {
  return unit.port && unit.watch && unit.watch->removed() && hot_unplug_ &&
         hot_unplug_->takes_registers(unit.port->name());
}

void Wiring::close(Summary& summary) {
  for (std::size_t i = 0; i < units_.size(); ++i)
    if (units_[i].port && !is_lost(units_[i])) stop(i);
  for (Unit& unit : units_) {
    if (is_lost(unit)) continue;
    unit.watch.reset();
    unit.port.reset();
  }
  loopback_.reset();
  pair_.reset();
  for (PortSummary& port : summary.ports)
    if (!port.captures.empty()) port.capture_missing = missing_in_capture(port);
  audit(summary);
  // What their drivers hold stays theirs, and while there is a port EAL doesn't end, which would close them: the process does.
  for (Unit& unit : units_) {
    (void)unit.port.release();
    unit.watch.reset();
  }
  hot_unplug_.reset();
}

}  // namespace testbab
