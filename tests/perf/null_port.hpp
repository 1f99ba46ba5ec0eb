#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>

namespace bench {

/// A net_null port, which takes every frame and frees it.
class NullPort {
 public:
  NullPort() {
    static unsigned next = 0;
    device_ = "net_null_bench" + std::to_string(next++);
    if (rte_vdev_init(device_.c_str(), "") != 0 ||
        rte_eth_dev_get_port_by_name(device_.c_str(), &id_) != 0)
      throw std::runtime_error("no net_null port could be made");
  }
  NullPort(const NullPort&) = delete;
  NullPort& operator=(const NullPort&) = delete;
  ~NullPort() { rte_vdev_uninit(device_.c_str()); }

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }

 private:
  std::string device_;
  std::uint16_t id_ = 0;
};

}  // namespace bench
