#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <bab/detail/eal_use.hpp>

struct rte_ring;

namespace bab::detail {

/// A net_ring device on the caller's rings: queue i receives from rx[i] and sends into tx[i]. The
/// rings must outlive it.
class RingPort {
 public:
  /// `rx` and `tx` must have the same length. Throws Error.
  RingPort(std::span<rte_ring* const> rx, std::span<rte_ring* const> tx);
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;
  ~RingPort();

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }

 private:
  EalUse eal_;
  std::uint16_t id_;
  std::string device_;
};

}  // namespace bab::detail
