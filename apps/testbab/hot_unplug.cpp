#include "hot_unplug.hpp"

#include <algorithm>
#include <fstream>
#include <string_view>

#include <fmt/format.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

// rte_dev's hot-plug, unchanged since DPDK 18.11, is still marked experimental. Its headers may be
// included already.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace testbab {
namespace {

bool is_on_pci(std::uint16_t port) {
  rte_eth_dev_info info{};
  return rte_eth_dev_info_get(port, &info) == 0 && info.device != nullptr &&
         std::string_view(rte_bus_name(rte_dev_bus(info.device))) == "pci";
}

std::string device_name(std::uint16_t port) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(port, &info) != 0 || info.device == nullptr) return "";
  return rte_dev_name(info.device);
}

}  // namespace

// Where one of them can't be had, as in a container, a removal ends the process as before.
HotUnplug::HotUnplug(const std::vector<std::uint16_t>& ports) {
  if (!std::any_of(ports.begin(), ports.end(), is_on_pci)) return;
  listens_ = rte_dev_event_monitor_start() == 0;
  handles_ = rte_dev_hotplug_handle_enable() == 0;
  for (std::uint16_t port : ports) {
    // uio's mappings; vfio keeps a device until we release it.
    const std::string file = fmt::format("/{}/resource", device_name(port));
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
      if (line.find(file) != std::string::npos) {
        by_uio_.push_back(device_name(port));
        break;
      }
  }
}

bool HotUnplug::takes_registers(const std::string& device) const {
  return std::find(by_uio_.begin(), by_uio_.end(), device) != by_uio_.end();
}

HotUnplug::~HotUnplug() {
  if (handles_) (void)rte_dev_hotplug_handle_disable();
  if (listens_) (void)rte_dev_event_monitor_stop();
}

}  // namespace testbab

#pragma GCC diagnostic pop
