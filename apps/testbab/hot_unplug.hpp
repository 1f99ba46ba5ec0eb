#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace testbab {

/// While an object of this class lives, a NIC may be pulled out without harm to the process. With a
/// uio driver the NIC's registers go away with it, and SIGBUS ends the next lcore that writes to
/// one. EAL has a handler for this signal, which puts memory in the registers' place: it is
/// installed here, and the kernel's messages about removals are listened to. Only if one of these
/// ports is on a PCI bus.
class HotUnplug {
 public:
  explicit HotUnplug(const std::vector<std::uint16_t>& ports);
  HotUnplug(const HotUnplug&) = delete;
  HotUnplug& operator=(const HotUnplug&) = delete;
  ~HotUnplug();

  /// Whether the registers of this device go away with it. A driver that is stopped or closed then
  /// waits for a register to change: net_e1000_em waits for minutes.
  [[nodiscard]] bool takes_registers(const std::string& device) const;

 private:
  std::vector<std::string> by_uio_;  // devices
  bool listens_ = false;
  bool handles_ = false;
};

}  // namespace testbab
