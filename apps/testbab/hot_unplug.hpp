#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace testbab {

/// While it lives, a NIC may be pulled out from under the process. With a uio driver the NIC's
/// registers go with it, and the next lcore that writes to one is ended by SIGBUS: so EAL's handler
/// for that signal is installed, which puts memory in their place, and the kernel's word of the
/// removal is listened to. Only where one of these ports is on a PCI bus.
class HotUnplug {
 public:
  explicit HotUnplug(const std::vector<std::uint16_t>& ports);
  HotUnplug(const HotUnplug&) = delete;
  HotUnplug& operator=(const HotUnplug&) = delete;
  ~HotUnplug();

  /// Whether the registers of this device go with it. A driver that is stopped or closed then waits
  /// for one of them to change: net_e1000_em for minutes.
  [[nodiscard]] bool takes_registers(const std::string& device) const;

 private:
  std::vector<std::string> by_uio_;  // devices
  bool listens_ = false;
  bool handles_ = false;
};

}  // namespace testbab
