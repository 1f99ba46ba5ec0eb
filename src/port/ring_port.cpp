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

RingPort::RingPort(std::span<rte_ring* const> rx, std::span<rte_ring* const> tx) {
  constexpr unsigned kMostQueues = 16;  // RTE_PMD_RING_MAX_RX_RINGS, in the driver's source
  if (rx.size() > kMostQueues)
    throw Error(
        fmt::format("a loopback port of {} queues was asked for, it has at most {}; lower --rxq "
                    "or --txq",
                    rx.size(), kMostQueues));
  static std::atomic<unsigned> next{0};
  const std::string name = fmt::format("bab{}", next.fetch_add(1, std::memory_order_relaxed));
  const auto queues = static_cast<unsigned>(rx.size());
  std::vector<rte_ring*> from(rx.begin(), rx.end()), into(tx.begin(), tx.end());
  const int id =
      rte_eth_from_rings(name.c_str(), from.data(), queues, into.data(), queues, SOCKET_ID_ANY);
  if (id < 0)
    throw Error::from_code(fmt::format("making a loopback port of {} queues", queues), rte_errno,
                           "install librte-meta-net");
  id_ = static_cast<std::uint16_t>(id);
  std::array<char, RTE_ETH_NAME_MAX_LEN> device{};
  if (rte_eth_dev_get_name_by_port(id_, device.data()) == 0) device_ = device.data();
}

RingPort::~RingPort() {
  if (!device_.empty()) (void)rte_vdev_uninit(device_.c_str());
}

}  // namespace bab::detail
