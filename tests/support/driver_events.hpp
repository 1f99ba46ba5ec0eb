#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <rte_dev.h>
#include <rte_ethdev.h>

// Functions of ethdev for drivers. Their header isn't installed.
struct rte_eth_dev;
extern "C" {
rte_eth_dev* rte_eth_dev_allocated(const char* name);
int rte_eth_dev_callback_process(rte_eth_dev* dev, rte_eth_event_type event, void* ret_param);
}

namespace bab::test {

/// Does what the driver of device `name` does when its NIC raises an interrupt.
inline void raise(const std::string& name, rte_eth_event_type event) {
  rte_eth_dev* device = rte_eth_dev_allocated(name.c_str());
  if (device == nullptr) throw std::runtime_error("no device " + name);
  (void)rte_eth_dev_callback_process(device, event, nullptr);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wdeprecated-declarations"  // unchanged since DPDK 18.11, still experimental
/// Does what EAL does when the kernel reports the event of a device.
inline void raise(const std::string& name, rte_dev_event_type event) {
  rte_dev_event_callback_process(name.c_str(), event);
}
#pragma GCC diagnostic pop

}  // namespace bab::test
