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

/// Two ports with a cable of rings between them: what is sent on queue i of the one is received on
/// queue i of the other, the very same mbuf. Must outlive the Ports on it, which must be drained
/// before they stop.
class LoopbackPair {
 public:
  /// `frames` in flight per queue and direction. Throws Error, as Loopback does.
  explicit LoopbackPair(std::uint16_t queues = 1, std::uint32_t frames = Loopback::kFrames);
  /// One that was moved from may only be assigned to or go.
  LoopbackPair(LoopbackPair&&) noexcept = default;
  LoopbackPair& operator=(LoopbackPair&& other) noexcept {
    if (this == &other) return *this;
    ports_ = std::move(other.ports_);  // before the rings that they are made of
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
