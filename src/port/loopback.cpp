#include <bab/port/loopback.hpp>

#include <array>
#include <atomic>

#include <fmt/format.h>
#include <rte_bus_vdev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

namespace bab {

Loopback::Loopback(std::uint16_t queues, std::uint32_t frames) {
  constexpr unsigned kMostQueues = 16;  // RTE_PMD_RING_MAX_RX_RINGS, in the driver's source
  if (queues > kMostQueues)
    throw Error(
        fmt::format("a loopback port of {} queues was asked for, it has at most {}; lower --rxq "
                    "or --txq",
                    queues, kMostQueues));
  static std::atomic<unsigned> next{0};
  const std::string name = fmt::format("bab{}", next.fetch_add(1, std::memory_order_relaxed));
  std::vector<rte_ring*> rings;
  for (std::uint16_t q = 0; q < queues; ++q) rings.push_back(rings_.emplace_back(frames).raw());
  const int id =
      rte_eth_from_rings(name.c_str(), rings.data(), queues, rings.data(), queues, SOCKET_ID_ANY);
  if (id < 0)
    throw Error::from_code(fmt::format("making a loopback port of {} queues", queues), rte_errno,
                           "install librte-meta-net");
  port_id_ = static_cast<std::uint16_t>(id);
  std::array<char, RTE_ETH_NAME_MAX_LEN> device{};
  if (rte_eth_dev_get_name_by_port(port_id_, device.data()) == 0) device_ = device.data();
}

Loopback::~Loopback() {
  if (!device_.empty()) (void)rte_vdev_uninit(device_.c_str());
}

std::uint64_t Loopback::queued() const noexcept {
  std::uint64_t n = 0;
  for (const auto& ring : rings_) n += ring.size();
  return n;
}

}  // namespace bab
