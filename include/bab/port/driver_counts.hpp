#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

#include <rte_ethdev.h>

namespace bab::detail {

/// A port's rte_eth_stats, whose `imissed` is right also where the NIC's register stays as it is
/// when it is read. Drivers such as net_e1000_em add it to their sum each time, since reading is to
/// clear it (Intel's manual of the 8254x, 13.7); the 82540EM that QEMU emulates keeps it. Not for
/// two threads at once.
class DriverCounts {
 public:
  explicit DriverCounts(std::uint16_t port) noexcept : port_(port) {}

  /// False where the driver has none: `stats` is all 0 then.
  bool read(rte_eth_stats& stats) noexcept;

 private:
  [[nodiscard]] std::uint64_t added_since(std::uint64_t imissed) noexcept;
  [[nodiscard]] std::uint64_t missed_since(std::uint64_t added) noexcept;

  std::uint16_t port_;
  std::uint64_t seen_ = 0;    // the driver's sum
  std::uint64_t missed_ = 0;  // without what it added twice
  std::uint64_t each_ = 0;    // what it adds with each reading; 0: nothing, as it should be
};

}  // namespace bab::detail
