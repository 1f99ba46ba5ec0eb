#include "queue_limits.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <rte_dev.h>

namespace bab::detail {
namespace {

/// The PCI device id; 0: there is none, or it can't be read.
unsigned pci_device_id(const rte_eth_dev_info& info) {
  if (info.device == nullptr) return 0;
  std::ifstream file(fmt::format("/sys/bus/pci/devices/{}/device", rte_dev_name(info.device)));
  unsigned id = 0;
  file >> std::hex >> id;
  return file ? id : 0;
}

/// NICs with one RX and one TX queue, for which net_e1000_em reports two of each since DPDK 23.07
/// and 22.11.3 ("net/e1000: fix queue number initialization"). NICs before the 82571 have one (the
/// driver's own comment, on 82540 and 82545). A frame that is given to a second TX queue is never
/// sent: QEMU's e1000 takes the values of those registers and does nothing.
constexpr std::array kOneQueueOfEach{
    0x100eU,                    // 82540EM
    0x100fU, 0x1011U,           // 82545EM
    0x1010U, 0x1012U, 0x101dU,  // 82546EB
};

}  // namespace

QueueLimits queue_limits(const rte_eth_dev_info& info) {
  const QueueLimits said{info.max_rx_queues, info.max_tx_queues, false};
  if (std::string_view(info.driver_name) != "net_e1000_em" || std::max(said.rx, said.tx) < 2)
    return said;
  const auto* const found =
      std::find(kOneQueueOfEach.begin(), kOneQueueOfEach.end(), pci_device_id(info));
  return found == kOneQueueOfEach.end() ? said : QueueLimits{1, 1, true};
}

}  // namespace bab::detail
