#include "odd_driver.hpp"

#include <dlfcn.h>

#include <cerrno>
#include <cstdlib>

#include <rte_bus.h>
#include <rte_log.h>
#include <rte_mbuf.h>

namespace bab::test {
namespace {

OddDriver* present = nullptr;
std::uint16_t present_port = 0;

OddDriver* odd(std::uint16_t port) {
  return present != nullptr && present_port == port ? present : nullptr;
}

/// DPDK's own function `name`. The functions below have the same names and are called in its place.
template <class Function>
Function* next(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

static OddDriver* with_arguments() {
  return present != nullptr && !present->arguments.empty() ? present : nullptr;
}
static bool nics_are_present() { return present != nullptr && present->is_nic; }

OddDriver::OddDriver(std::uint16_t port) : port_(port) {
  present = this;
  present_port = port;
}

OddDriver::~OddDriver() {
  closed();
  present = nullptr;
}

std::uint32_t OddDriver::frame() const {
  std::uint16_t mtu = 0;
  (void)rte_eth_dev_get_mtu(port_, &mtu);
  return mtu + 14U + 4 + 4;
}

std::uint32_t OddDriver::used(rte_mempool& pool) const {
  return uses(rte_pktmbuf_data_room_size(&pool) - RTE_PKTMBUF_HEADROOM);
}

int OddDriver::dev_info(rte_eth_dev_info& info, int result) const {
  static constexpr std::uint32_t kTellsOfItsLink = RTE_ETH_DEV_INTR_LSC;
  if (rx_limits.nb_max != 0) info.rx_desc_lim = rx_limits;
  if (offers_scatter) info.rx_offload_capa |= RTE_ETH_RX_OFFLOAD_SCATTER;
  if (!name.empty()) info.driver_name = name.c_str();
  if (tells_of_its_link) info.dev_flags = &kTellsOfItsLink;
  if (most_tx_descriptors > 0) info.tx_desc_lim.nb_max = most_tx_descriptors;
  return info_error != 0 ? -info_error : result;
}

/// The part of `conf` that the device under this driver supports.
rte_eth_conf OddDriver::configured(const rte_eth_conf& conf) {
  may_split_ = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
  link_interrupt_ = conf.intr_conf.lsc != 0;
  rte_eth_conf can = conf;
  can.intr_conf.lsc = 0;
  return can;
}

int OddDriver::queue_setup(std::uint16_t, std::uint16_t, rte_mempool& pool) const {
  if (!refuses.empty())
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "odd_rx_queue_setup(): %s\n", refuses.c_str());
  if (!refuses.empty() || (!may_split_ && used(pool) < frame() + wants_more && wants_more > 0))
    return -EINVAL;
  return 0;
}

void OddDriver::queue_is_set_up(std::uint16_t queue, std::uint16_t descriptors, rte_mempool& pool) {
  if (queues_.size() <= queue) queues_.resize(queue + 1U);
  queues_[queue].pool = &pool;
  queues_[queue].descriptors = descriptors;
}

int OddDriver::queue_info(rte_eth_rxq_info& info) const {
  if (!tells || queues_.empty()) return -ENOTSUP;
  info = {};
  const std::uint32_t bytes = used(*queues_[0].pool);
  info.scattered_rx = always_scattered || bytes < frame() ? 1 : 0;
  if (tells_bytes) info.rx_buf_size = static_cast<std::uint16_t>(bytes);
  return 0;
}

/// With wants_full_rings: fails, as many drivers do, if a queue has no buffer for one of its
/// descriptors.
int OddDriver::start() {
  if (!wants_full_rings) return 0;
  fill();
  for (const Queue& queue : queues_)
    if (queue.held.size() < std::size_t{rings} * queue.descriptors) {
      rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "odd_dev_start(): RX mbuf alloc failed\n");
      closed();
      return -ENOMEM;
    }
  return 0;
}

void OddDriver::started() {
  ++starts_;
  if (counts_anew) received_before_ = received_;
  fill();
}

void OddDriver::fill() {
  for (Queue& queue : queues_)
    while (queue.held.size() < std::size_t{rings} * queue.descriptors) {
      rte_mbuf* m = rte_pktmbuf_alloc(queue.pool);
      if (m == nullptr) break;
      queue.held.push_back(m);
    }
}

int OddDriver::set_promiscuous() {
  if (promiscuous_error != 0) return -promiscuous_error;
  promiscuous_ = true;
  return 0;
}

void OddDriver::stopped() {
  if (!keeps_them) closed();
}

void OddDriver::closed() {
  for (Queue& queue : queues_) {
    for (rte_mbuf* m : queue.held) rte_pktmbuf_free(m);
    queue.held.clear();
  }
}

void OddDriver::stats(rte_eth_stats& stats) const {
  received_ = stats.ipackets + others.ipackets;
  stats.ipackets = received_ - received_before_;
  stats.ibytes += others.ibytes;
  added_ += register_that_stays;
  stats.imissed += others.imissed + added_;
  stats.rx_nombuf += others.rx_nombuf;
  stats.ierrors += others.ierrors;
  stats.opackets += others.opackets;
  stats.oerrors += others.oerrors;
}

const rte_devargs* OddDriver::device_arguments() {
  device_arguments_.args = arguments.data();
  return &device_arguments_;
}

}  // namespace bab::test

using bab::test::next;
using bab::test::odd;
using bab::test::OddDriver;

extern "C" {

const char* rte_bus_name(const rte_bus* bus) {
  static auto* const real = next<decltype(rte_bus_name)>("rte_bus_name");
  return bab::test::nics_are_present() ? "odd" : real(bus);
}

const rte_devargs* rte_dev_devargs(const rte_device* device) {
  static auto* const real = next<decltype(rte_dev_devargs)>("rte_dev_devargs");
  OddDriver* const driver = bab::test::with_arguments();
  return driver != nullptr ? driver->device_arguments() : real(device);
}

int rte_eth_dev_info_get(std::uint16_t port, rte_eth_dev_info* info) {
  static auto* const real = next<decltype(rte_eth_dev_info_get)>("rte_eth_dev_info_get");
  const int result = real(port, info);
  OddDriver* const driver = odd(port);
  return driver != nullptr && result == 0 ? driver->dev_info(*info, result) : result;
}

int rte_eth_dev_configure(std::uint16_t port, std::uint16_t rx, std::uint16_t tx,
                          const rte_eth_conf* conf) {
  static auto* const real = next<decltype(rte_eth_dev_configure)>("rte_eth_dev_configure");
  if (OddDriver* driver = odd(port)) {
    const rte_eth_conf can = driver->configured(*conf);
    return real(port, rx, tx, &can);
  }
  return real(port, rx, tx, conf);
}

int rte_eth_link_get_nowait(std::uint16_t port, rte_eth_link* link) {
  static auto* const real = next<decltype(rte_eth_link_get_nowait)>("rte_eth_link_get_nowait");
  const int result = real(port, link);
  OddDriver* const driver = odd(port);
  if (driver != nullptr && driver->link && result == 0)
    link->link_status = driver->link() ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN;
  return result;
}

int rte_eth_rx_queue_setup(std::uint16_t port, std::uint16_t queue, std::uint16_t descriptors,
                           unsigned socket, const rte_eth_rxconf* conf, rte_mempool* pool) {
  static auto* const real = next<decltype(rte_eth_rx_queue_setup)>("rte_eth_rx_queue_setup");
  OddDriver* const driver = odd(port);
  if (driver != nullptr)
    if (const int e = driver->queue_setup(queue, descriptors, *pool); e != 0) return e;
  const int result = real(port, queue, descriptors, socket, conf, pool);
  if (driver != nullptr && result == 0) driver->queue_is_set_up(queue, descriptors, *pool);
  return result;
}

int rte_eth_rx_queue_info_get(std::uint16_t port, std::uint16_t queue, rte_eth_rxq_info* info) {
  static auto* const real = next<decltype(rte_eth_rx_queue_info_get)>("rte_eth_rx_queue_info_get");
  OddDriver* const driver = odd(port);
  return driver != nullptr ? driver->queue_info(*info) : real(port, queue, info);
}

int rte_eth_dev_start(std::uint16_t port) {
  static auto* const real = next<decltype(rte_eth_dev_start)>("rte_eth_dev_start");
  OddDriver* const driver = odd(port);
  if (driver != nullptr)
    if (const int e = driver->start(); e != 0) return e;
  const int result = real(port);
  if (driver != nullptr && result == 0) driver->started();
  return result;
}

int rte_eth_dev_stop(std::uint16_t port) {
  static auto* const real = next<decltype(rte_eth_dev_stop)>("rte_eth_dev_stop");
  const int result = real(port);
  if (OddDriver* driver = odd(port)) driver->stopped();
  return result;
}

int rte_eth_dev_close(std::uint16_t port) {
  static auto* const real = next<decltype(rte_eth_dev_close)>("rte_eth_dev_close");
  if (OddDriver* driver = odd(port)) driver->closed();
  return real(port);
}

int rte_eth_promiscuous_get(std::uint16_t port) {
  static auto* const real = next<decltype(rte_eth_promiscuous_get)>("rte_eth_promiscuous_get");
  OddDriver* const driver = odd(port);
  return driver != nullptr && driver->answers_for_promiscuous_mode() ? driver->promiscuous()
                                                                     : real(port);
}

int rte_eth_promiscuous_enable(std::uint16_t port) {
  static auto* const real =
      next<decltype(rte_eth_promiscuous_enable)>("rte_eth_promiscuous_enable");
  OddDriver* const driver = odd(port);
  return driver != nullptr && driver->answers_for_promiscuous_mode() ? driver->set_promiscuous()
                                                                     : real(port);
}

int rte_eth_stats_get(std::uint16_t port, rte_eth_stats* stats) {
  static auto* const real = next<decltype(rte_eth_stats_get)>("rte_eth_stats_get");
  const int result = real(port, stats);
  if (OddDriver* driver = odd(port); driver != nullptr && result == 0) driver->stats(*stats);
  return result;
}

}  // extern "C"
