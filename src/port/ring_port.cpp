#include <bab/detail/ring_port.hpp>

#include <array>
#include <atomic>
#include <vector>

#include <fmt/format.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

namespace bab::detail {

namespace {

/// The driver puts this before the names that it is given.
bool is_taken(const std::string& name) {
  std::uint16_t id;
  return rte_eth_dev_get_port_by_name(("net_ring_" + name).c_str(), &id) == 0;
}

/// "bab3". Another copy of this library in the process (a plugin's) counts for itself.
std::string free_name() {
  static std::atomic<unsigned> next{0};
  std::string name;
  do {
    name = fmt::format("bab{}", next.fetch_add(1, std::memory_order_relaxed));
  } while (is_taken(name));
  return name;
}

}  // namespace

RingPort::RingPort(std::span<rte_ring* const> rx, std::span<rte_ring* const> tx)
    : eal_(fmt::format("making a loopback port of {} queues", rx.size())) {
  constexpr unsigned kMaxQueues = 16;  // RTE_PMD_RING_MAX_RX_RINGS, in the driver's source
  if (rx.empty() || rx.size() > kMaxQueues)
    throw Error(
        fmt::format("a loopback port of {} queues was asked for, it has 1 to {}; ask for {}",
                    rx.size(), kMaxQueues, rx.empty() ? "1 or more" : "fewer"),
        Setting::kQueues);
  const auto queues = static_cast<unsigned>(rx.size());
  std::vector<rte_ring*> from(rx.begin(), rx.end()), into(tx.begin(), tx.end());
  std::string name;
  int id;
  do {
    name = free_name();
    id = rte_eth_from_rings(name.c_str(), from.data(), queues, into.data(), queues, SOCKET_ID_ANY);
  } while (id < 0 && is_taken(name));  // another copy of this library was first
  if (id < 0)
    throw Error::from_code(fmt::format("making a loopback port of {} queues", queues), rte_errno,
                           "install librte-meta-net");
  id_ = static_cast<std::uint16_t>(id);
  std::array<char, RTE_ETH_NAME_MAX_LEN> device{};
  if (rte_eth_dev_get_name_by_port(id_, device.data()) == 0) device_ = device.data();
}

RingPort::~RingPort() {
  if (!device_.empty() && eal_is_there()) (void)rte_vdev_uninit(device_.c_str());
}

}  // namespace bab::detail
