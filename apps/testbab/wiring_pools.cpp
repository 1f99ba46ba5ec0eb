// The pools that the ports receive into, send from and gather in, the ports that are made with
// them, and who has what of those pools.
#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/bus/pool_plan.hpp>

#include "wiring.hpp"

namespace testbab {
namespace {

constexpr unsigned kTestpmdMbufSize = 2176;
constexpr unsigned kDefaultMtu = 1500;
constexpr unsigned kLoopbackMtu = 9000;

/// Bytes of a buffer that frames are written into, where `need` are needed.
std::uint32_t data_room(const Options& options, std::uint32_t need) {
  return std::max(need, options.mbuf_size.value_or(kTestpmdMbufSize));
}

/// `need`: bytes of a buffer that holds a frame. A loopback port receives its sender's buffers.
void require_room(const Options& options, std::uint16_t id, std::uint32_t mtu, std::uint32_t need,
                  bool is_loopback) {
  rte_eth_dev_info info{};
  const bool may_split =
      !is_loopback && rte_eth_dev_info_get(id, &info) == 0 && bab::can_split(info);
  const std::uint32_t least = RTE_PKTMBUF_HEADROOM + info.min_rx_bufsize;
  constexpr std::uint32_t kMax = std::numeric_limits<std::uint16_t>::max();
  if (need > kMax)
    throw bab::Error(
        fmt::format("the port's slots need buffers of {} bytes, and one has at most {}; give the "
                    "--vdev a smaller framesz (framesz=16384,blocksz=65536 carries jumbo frames)",
                    need, kMax));
  if (options.mbuf_size && *options.mbuf_size < least)
    throw bab::Error(fmt::format(
        "--mbuf-size={} is too small: the port's device needs receive buffers of {} bytes or more; "
        "raise --mbuf-size",
        *options.mbuf_size, least));
  if (options.mbuf_size && *options.mbuf_size < need && !may_split)
    throw bab::Error(fmt::format(
        "--mbuf-size={} is too small: the port's MTU of {} needs buffers of {} bytes (headroom, "
        "Ethernet, VLAN and CRC included); raise --mbuf-size or lower --mtu",
        *options.mbuf_size, mtu, need));
}

/// A name that is unique in the process, where pools that were replaced still live.
std::string pool_name(std::string_view what, std::uint16_t id, unsigned generation) {
  return generation > 0 ? fmt::format("{}_{}.{}", what, id, generation)
                        : fmt::format("{}_{}", what, id);
}

}  // namespace

std::shared_ptr<bab::BufferPool> Wiring::make_pool(const Options& options, const std::string& name,
                                                   std::uint32_t room, std::uint32_t queued,
                                                   std::uint32_t writers, bool receives) const {
  bab::BufferPoolOptions o;
  o.name = name;
  o.data_room = static_cast<std::uint16_t>(room);
  o.receives = receives;
  o.cache = mbcache_;
  o.lcores = lcores_;
  o.buffers = options.total_num_mbufs.value_or(buffers_for(queued, writers));
  return std::make_shared<bab::BufferPool>(o);
}

/// Where drivers hold so many.
std::uint32_t Wiring::buffers_for(std::uint32_t held, std::uint32_t writers) const {
  return bab::plan_pool({.held = held,
                         .lcores = lcores_,
                         .cache = mbcache_,
                         .burst = burst_,
                         .writers = writers})
      .buffers;
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
  require_room(options, id, po.mtu, bab::Port::data_room(po.mtu), is_loopback());
  Unit unit;
  if (is_loopback()) {
    // It receives the very buffers that were sent, and needs no pool to receive into.
    make_tx_pool(options, po, unit);
    unit.rx_pool = unit.tx_pool;
    unit.port = std::make_unique<bab::Port>(po, *unit.rx_pool);
  } else {
    require_room(options, id, po.mtu, bab::Port::rx_data_room(id, po.mtu), false);
    const auto make = [&, make_rx_pool = rx_pool_maker(options, id, po.mtu, unit)](
                          const bab::RxPoolNeeds& needs) {
      // First: the one to receive into makes do with smaller buffers where memory is short.
      if (!unit.tx_pool) make_tx_pool(options, po, unit);
      return make_rx_pool(needs);
    };
    unit.port = std::make_unique<bab::Port>(po, make);
  }
  unit.watch = std::make_unique<bab::PortWatch>(*unit.port);
  units_.push_back(std::move(unit));
}

void Wiring::make_tx_pool(const Options& options, const bab::PortOptions& po, Unit& unit) const {
  const std::uint32_t txd = bab::tx_descriptors(po.id, options.txd);
  unit.tx_pool = make_pool(options, pool_name("tx", po.id, unit.generation),
                           data_room(options, bab::Port::data_room(po.mtu)),
                           po.tx_queues * (is_loopback() ? bab::Loopback::kFrames : txd),
                           options.writers, false);
}

bab::RxPoolMaker Wiring::rx_pool_maker(const Options& options, std::uint16_t id, unsigned mtu,
                                       Unit& unit) const {
  return [this, &options, id, mtu, &unit](const bab::RxPoolNeeds& needs) {
    const bool does = unit.rx_pool && unit.rx_pool->data_room() >= needs.data_room &&
                      (own_buffers_ || unit.rx_pool->size() >= buffers_for(needs.held));
    if (!does)
      unit.rx_pool = make_pool(options, pool_name("rx", id, unit.generation), needs.data_room,
                               needs.held, 0, true);
    make_gathering_pool(options, id, mtu, unit);
    return unit.rx_pool;
  };
}

void Wiring::make_gathering_pool(const Options& options, std::uint16_t id, unsigned mtu,
                                 Unit& unit) const {
  const std::uint32_t need = bab::Port::data_room(mtu);
  if (unit.rx_pool->data_room() >= need)
    unit.gathering.reset();
  else if (!unit.gathering || unit.gathering->data_room() < need)
    unit.gathering =
        make_pool(options, pool_name("gather", id, unit.generation), need, 0, 0, false);
}

void Wiring::set_mtu(const Options& options, std::size_t i, unsigned mtu) {
  Unit& unit = units_.at(i);
  bab::Port& port = *unit.port;
  Unit next;
  next.rx_pool = unit.rx_pool;
  next.tx_pool = unit.tx_pool;
  next.gathering = unit.gathering;
  next.generation = unit.generation + 1;
  require_room(options, port.id(), mtu, bab::Port::data_room(mtu), is_loopback());
  if (!is_loopback())
    require_room(options, port.id(), mtu, bab::Port::rx_data_room(port.id(), mtu), false);
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
  try {
    if (is_loopback())
      port.reconfigure(mtu, *next.rx_pool);
    else
      port.reconfigure(mtu, rx_pool_maker(options, port.id(), mtu, next));
  } catch (const std::exception& e) {
    if (!was_started) throw;
    try {
      start(i);
    } catch (const std::exception& again) {
      throw bab::Error(fmt::format("{}; and it stays stopped: {}", e.what(), again.what()));
    }
    throw;
  }
  unit.replaced.push_back(unit.tx_pool);
  if (unit.gathering) unit.replaced.push_back(unit.gathering);
  std::erase_if(unit.replaced, [&](const auto& pool) {
    return pool == next.tx_pool || pool == next.gathering || pool->available() == pool->size();
  });
  unit.rx_pool = std::move(next.rx_pool);
  unit.tx_pool = std::move(next.tx_pool);
  unit.gathering = std::move(next.gathering);
  unit.generation = next.generation;
  if (was_started) start(i);
}

std::vector<std::shared_ptr<bab::BufferPool>> Wiring::pools_of(const Unit& unit) {
  std::vector<std::shared_ptr<bab::BufferPool>> all{unit.rx_pool, unit.tx_pool, unit.gathering};
  for (const auto* others : {&unit.replaced, unit.port ? &unit.port->made_pools() : &unit.of_port})
    all.insert(all.end(), others->begin(), others->end());
  return all;
}

std::vector<const bab::BufferPool*> Wiring::pools() const {
  std::vector<const bab::BufferPool*> all;
  for (const Unit& unit : units_)
    for (const auto& pool : pools_of(unit))
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
      // What a driver may have in its queues is not missing, and no lcore has anything to do with
      // it.
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
    const auto& made = unit.port->made_pools();
    const auto is_it = [&pool](const auto& each) { return each.get() == &pool; };
    if (is_it(unit.rx_pool) || std::any_of(made.begin(), made.end(), is_it))
      n += std::max(unit.port->rx_queues() * unit.port->rx_descriptors(),
                    unit.port->rx_buffers().held.value_or(0));
    if (is_it(unit.tx_pool) || std::any_of(unit.replaced.begin(), unit.replaced.end(), is_it))
      n += unit.port->tx_queues() * unit.port->tx_descriptors();
  }
  return n;
}

}  // namespace testbab
