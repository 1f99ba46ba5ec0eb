#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// Reads a port's rte_eth_stats and corrects `imissed` on NICs whose register of missed frames
/// keeps its value when it is read. Drivers such as net_e1000_em add the register to their sum at
/// each reading, since a reading should clear it (Intel's manual of the 8254x, 13.7); the 82540EM
/// that QEMU emulates keeps the value. One thread at a time.
class DriverCounts {
 public:
  explicit DriverCounts(std::uint16_t port) noexcept : port_(port) {}

  /// False when the driver has no statistics; `stats` is all 0 then.
  bool read(rte_eth_stats& stats) noexcept;

 private:
  [[nodiscard]] std::uint64_t added_since(std::uint64_t imissed) noexcept;
  [[nodiscard]] std::uint64_t missed_since(std::uint64_t added) noexcept;

  std::uint16_t port_;
  std::uint64_t seen_ = 0;    // the driver's sum at the last reading
  std::uint64_t missed_ = 0;  // the sum without what the driver added twice
  std::uint64_t each_ = 0;    // what the driver adds at each reading; 0: nothing, as it should be
};

}  // namespace bab::detail
