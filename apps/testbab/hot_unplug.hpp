#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace testbab {

/// While it lives, a NIC may be pulled out from under the process. With a uio driver the NIC's registers go with it, and
/// the next lcore that writes to one is ended by SIGBUS: so EAL's handler for that signal is installed, which puts memory in
/// their place, and the kernel's word of the removal is listened to. Only where one of these ports is on a PCI bus.
class HotUnplug {
 public:
  explicit HotUnplug(const std::vector<std::uint16_t>& ports);
  HotUnplug(const HotUnplug&) = delete;
  HotUnplug& operator=(const HotUnplug&) = delete;
  ~HotUnplug();

  /// This device is gone, and closed next: its registers read as all ones from now on, as a missing device's do on the bus.
  /// In EAL's memory they are zeros, and net_e1000_em waits for minutes for one of them to change. (Counters are zeros
  /// better, so not before.)
  void removed(const std::string& device) noexcept;

 private:
  struct Registers {
    std::string device;
    void* at;
    std::size_t bytes;
  };
  std::vector<Registers> registers_;
  bool listens_ = false;
  bool handles_ = false;
};

}  // namespace testbab
