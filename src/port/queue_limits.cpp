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

/// 0: it has none, or none that can be read.
unsigned pci_device_id(const rte_eth_dev_info& info) {
  if (info.device == nullptr) return 0;
  std::ifstream file(fmt::format("/sys/bus/pci/devices/{}/device", rte_dev_name(info.device)));
  unsigned id = 0;
  file >> std::hex >> id;
  return file ? id : 0;
}

/// Since 23.07 and 22.11.3 ("net/e1000: fix queue number initialization") net_e1000_em says two
/// queues of each for all that it drives. Those before the 82571 have one (its own comment, of
/// 82540 and 82545), and what is given to a second TX queue is never sent: QEMU's e1000 takes those
/// registers' values and does nothing.
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
