#include "rss.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_ethdev.h>

namespace testbab {
namespace {

struct HashFunction {
  std::string_view name;
  std::uint64_t bit;
};

constexpr std::array kHashFunctions{
    HashFunction{"ipv4", RTE_ETH_RSS_IPV4},
    HashFunction{"ipv4-frag", RTE_ETH_RSS_FRAG_IPV4},
    HashFunction{"ipv4-tcp", RTE_ETH_RSS_NONFRAG_IPV4_TCP},
    HashFunction{"ipv4-udp", RTE_ETH_RSS_NONFRAG_IPV4_UDP},
    HashFunction{"ipv4-sctp", RTE_ETH_RSS_NONFRAG_IPV4_SCTP},
    HashFunction{"ipv4-other", RTE_ETH_RSS_NONFRAG_IPV4_OTHER},
    HashFunction{"ipv6", RTE_ETH_RSS_IPV6},
    HashFunction{"ipv6-frag", RTE_ETH_RSS_FRAG_IPV6},
    HashFunction{"ipv6-tcp", RTE_ETH_RSS_NONFRAG_IPV6_TCP},
    HashFunction{"ipv6-udp", RTE_ETH_RSS_NONFRAG_IPV6_UDP},
    HashFunction{"ipv6-sctp", RTE_ETH_RSS_NONFRAG_IPV6_SCTP},
    HashFunction{"ipv6-other", RTE_ETH_RSS_NONFRAG_IPV6_OTHER},
    HashFunction{"ipv6-ex", RTE_ETH_RSS_IPV6_EX},
    HashFunction{"ipv6-tcp-ex", RTE_ETH_RSS_IPV6_TCP_EX},
    HashFunction{"ipv6-udp-ex", RTE_ETH_RSS_IPV6_UDP_EX},
};

}  // namespace

std::vector<std::string_view> rss_functions(std::uint16_t id) {
  rte_eth_rss_conf conf{};
  if (rte_eth_dev_rss_hash_conf_get(id, &conf) != 0) return {};
  std::vector<std::string_view> names;
  for (const HashFunction& f : kHashFunctions)
    if ((conf.rss_hf & f.bit) != 0) names.push_back(f.name);
  return names;
}

std::string rss_text(const bab::Port& port, const std::vector<std::string_view>& functions) {
  if (port.rx_queues() == 1) return "off (one RX queue)";
  if (!functions.empty()) return fmt::format("{}", fmt::join(functions, " "));
  return fmt::format("off ({} offers no hash functions)", port.driver());
}

std::string rss_note(const bab::Port& port) {
  // On a port of rings or shared memory, the sender chooses the queue.
  if (port.rx_queues() == 1 || bab::is_memory_port(port.driver()) ||
      !rss_functions(port.id()).empty())
    return "";
  return fmt::format(
      "port {}: {} RX queues, and {} offers no hash functions (RSS) to spread frames over them: "
      "all come on the first one, "
      "unless what is behind the port spreads them; --rxq=1 does the same with fewer buffers",
      port.id(), port.rx_queues(), port.driver());
}

}  // namespace testbab
