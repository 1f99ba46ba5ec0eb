// rte_eth_dev_conf_get, unchanged since DPDK 21.11, is still marked experimental.
#define ALLOW_EXPERIMENTAL_API
#include <bab/port/shareable.hpp>

#include <array>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>

namespace bab {

void require_shareable(std::string_view where, std::uint64_t tx_offloads) {
  if ((tx_offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) != 0)
    throw Error(
        fmt::format("{}: it was configured with RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE, which frees "
                    "buffers that others still read; configure it without, or give the bus a port "
                    "of its own",
                    where));
}

void require_shareable(std::uint16_t port_id) {
  rte_eth_conf conf{};
  if (int e = rte_eth_dev_conf_get(port_id, &conf); e != 0)
    throw Error::from_code(fmt::format("asking port {} for its configuration", port_id), e);
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  (void)rte_eth_dev_get_name_by_port(port_id, name.data());
  const auto where = fmt::format("port {} ({})", port_id, name.data());
  require_shareable(where, conf.txmode.offloads);
  rte_eth_dev_info info{};
  if (int e = rte_eth_dev_info_get(port_id, &info); e != 0)
    throw Error::from_code(fmt::format("asking {} for its queues", where), e);
  for (std::uint16_t q = 0; q < info.nb_tx_queues; ++q) {
    rte_eth_txq_info queue{};  // not every driver tells; one without per-queue offloads needn't
    if (rte_eth_tx_queue_info_get(port_id, q, &queue) == 0)
      require_shareable(fmt::format("{}, TX queue {}", where, q), queue.conf.offloads);
  }
}

}  // namespace bab
