#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <bab/base/spsc_ring.hpp>
#include <bab/detail/ring_port.hpp>
#include <bab/port/loopback.hpp>

namespace bab {

/// Two ports connected by rings: a frame that is sent on queue i of one port is received on queue i
/// of the other, in the same mbuf. Must outlive the Ports on it; drain them before they stop.
class LoopbackPair {
 public:
  /// `queues`: 1 … 16. `frames`: frames in flight per queue and direction. Throws Error, as
  /// Loopback does.
  explicit LoopbackPair(std::uint16_t queues = 1, std::uint32_t frames = Loopback::kFrames);
  /// A LoopbackPair that was moved from may only be assigned to or destroyed.
  LoopbackPair(LoopbackPair&&) noexcept = default;
  LoopbackPair& operator=(LoopbackPair&& other) noexcept {
    if (this == &other) return *this;
    ports_ = std::move(other.ports_);  // before the rings that the ports use
    to_ = std::move(other.to_);
    return *this;
  }

  [[nodiscard]] std::array<std::uint16_t, 2> port_ids() const noexcept {
    return {ports_[0]->id(), ports_[1]->id()};
  }

  /// Frames on their way to port `end` (0 or 1), of all queues.
  [[nodiscard]] std::uint64_t queued(std::size_t end) const noexcept;

 private:
  std::array<std::vector<SpscRing<rte_mbuf>>, 2> to_;  // [end]: what that end receives
  std::array<std::unique_ptr<detail::RingPort>, 2> ports_;
};

}  // namespace bab
