#include <bab/port/tx_completion.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include <rte_ethdev.h>

#include <bab/port/carrier_limits.hpp>

namespace bab {
namespace {

using namespace std::string_view_literals;

/// Drivers that clean up in a burst of no frames before anything else, and ask neither the device
/// nor the kernel (from their sources, 22.11; DPDK has no function that tells). In other drivers
/// such a burst returns at once (e1000, virtio, mlx5), or is a system call (net_af_packet).
constexpr std::array kCleanedByAnEmptyBurst{"net_vmxnet3"sv};

/// Drivers whose bursts copy frames into memory of the kernel or a peer, write them, pass them on
/// or throw them away.
constexpr std::array kFreedInTheBurst{"net_ring"sv, "net_null"sv,  "net_pcap"sv, "net_af_packet"sv,
                                      "net_tap"sv,  "net_memif"sv, "net_vhost"sv};

/// Drivers whose sources have no tx_done_cleanup, and free a sent mbuf when a later burst needs its
/// descriptor.
constexpr std::array kFreedForDescriptors{"net_e1000_em"sv, "net_virtio"sv, "net_virtio_user"sv,
                                          "mlx5_pci"sv, "mlx5_auxiliary"sv};

/// Whether the port lends its mbufs to a peer: a memif client with zero-copy=yes does; a memif
/// server copies in any case.
bool lends_its_buffers(std::uint16_t id, std::string_view driver) {
  rte_eth_dev_info info{};
  if (driver != "net_memif" || rte_eth_dev_info_get(id, &info) != 0) return false;
  const auto is_one_of = [&](std::string_view key, std::initializer_list<std::string_view> values) {
    const std::vector<std::string> given = device_arguments(info, key);
    return !given.empty() && std::find(values.begin(), values.end(), given.back()) != values.end();
  };
  return is_one_of("zero-copy", {"yes"}) && is_one_of("role", {"client", "slave"});
}

bool is_among(std::string_view driver, const auto& drivers) {
  return std::find(drivers.begin(), drivers.end(), driver) != drivers.end();
}

}  // namespace

TxCompletion find_tx_completion(std::uint16_t id, std::string_view driver) {
  if (lends_its_buffers(id, driver)) return TxCompletion::kReuse;
  if (is_among(driver, kFreedInTheBurst)) return TxCompletion::kAtOnce;
  // Some drivers can do this only with some of their send functions, which are chosen at the start.
  if (rte_eth_tx_done_cleanup(id, 0, 0) >= 0) return TxCompletion::kCleanup;
  if (is_among(driver, kCleanedByAnEmptyBurst)) return TxCompletion::kEmptyBurst;
  if (is_among(driver, kFreedForDescriptors)) return TxCompletion::kReuse;
  return TxCompletion::kUnknown;
}

std::string_view tx_completion_name(TxCompletion how) noexcept {
  switch (how) {
    case TxCompletion::kAtOnce:
      return "at once";
    case TxCompletion::kCleanup:
      return "by tx_done_cleanup";
    case TxCompletion::kEmptyBurst:
      return "by empty bursts";
    case TxCompletion::kReuse:
      return "when descriptors are used again";
    case TxCompletion::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace bab
