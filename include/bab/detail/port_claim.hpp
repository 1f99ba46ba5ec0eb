#pragma once

#include <cstdint>
#include <string>

#include <bab/detail/eal_use.hpp>

struct rte_memzone;

namespace bab::detail {

/// A device belongs to one Port only. The claim is noted under the device's name in EAL's memory,
/// so that other copies of this library in the process see it, too.
class PortClaim {
 public:
  /// `label` begins the sentence of an Error. Throws Error: another Port has the device, or a
  /// driver made it a part of its own device.
  PortClaim(std::uint16_t id, const std::string& label);
  PortClaim(const PortClaim&) = delete;
  PortClaim& operator=(const PortClaim&) = delete;
  ~PortClaim();

  /// False: the device has gone, even if another one has its id by now, or EAL has gone.
  [[nodiscard]] bool holds() const noexcept;

 private:
  EalUse eal_;
  std::uint16_t id_;
  std::string device_;
  const rte_memzone* note_ = nullptr;
};

}  // namespace bab::detail
