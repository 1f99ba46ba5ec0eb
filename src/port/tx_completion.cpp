#include <bab/port/tx_completion.hpp>

#include <algorithm>
#include <array>

#include <rte_ethdev.h>

namespace bab {
namespace {

using namespace std::string_view_literals;

/// DPDK has nothing that tells (their sources, 22.11): a burst of none looks at what is done before anything else, and asks
/// neither the device nor the kernel. Elsewhere it returns at once (e1000, virtio, mlx5), or is a system call (net_af_packet).
constexpr std::array kCleanedByAnEmptyBurst{"net_vmxnet3"sv};

/// Their bursts copy frames into memory of the kernel's or a peer's, write, pass or throw them away.
constexpr std::array kFreedInTheBurst{"net_ring"sv,      "net_null"sv, "net_pcap"sv,
                                      "net_af_packet"sv, "net_tap"sv,  "net_memif"sv};

bool is_among(std::string_view driver, const auto& drivers) {
  return std::find(drivers.begin(), drivers.end(), driver) != drivers.end();
}

}  // namespace

TxCompletion find_tx_completion(std::uint16_t id, std::string_view driver) noexcept {
  if (is_among(driver, kFreedInTheBurst)) return TxCompletion::kAtOnce;
  // Some can only with some of their send functions, which are chosen at the start.
  if (rte_eth_tx_done_cleanup(id, 0, 0) >= 0) return TxCompletion::kCleanup;
  if (is_among(driver, kCleanedByAnEmptyBurst)) return TxCompletion::kEmptyBurst;
  return TxCompletion::kReuse;
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
      break;
  }
  return "when descriptors are used again";
}

}  // namespace bab
