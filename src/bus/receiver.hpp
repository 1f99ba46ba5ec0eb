#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <rte_mbuf.h>

#include <bab/base/drops.hpp>
#include <bab/bus/detail/received.hpp>
#include <bab/bus/endpoint.hpp>
#include <bab/port/queues.hpp>

namespace bab::detail {

/// Polls a port's RX queues and gives each frame to the subscription that it is for. One lcore.
///
/// Where there is one subscription and it has no room, the port isn't polled: a memory port's
/// sender waits then, and a NIC counts what it misses. Where there are several, one that isn't read
/// loses its own frames, and the others none.
class Receiver {
 public:
  explicit Receiver(std::vector<RxQueue*> queues) : queues_(std::move(queues)) {}

  void add(const Endpoint& from, std::optional<std::uint16_t> vlan, Received& received);
  [[nodiscard]] bool has(const Endpoint& from, std::optional<std::uint16_t> vlan) const noexcept;

  unsigned poll(std::uint64_t now_tsc) noexcept;

  /// Frames that were for no subscription, by reason; those with another address count as
  /// `other_port`. On its lcore, or after it.
  [[nodiscard]] const DropCounters& drops() const noexcept { return drops_; }
  /// Frames that were for one. The same.
  [[nodiscard]] std::uint64_t handed_out() const noexcept;

 private:
  static constexpr std::int32_t kNone = -1;
  /// What tells subscriptions apart, in a frame's byte order. VLAN kNone: a frame has none, a
  /// subscription takes any.
  struct Address {
    std::uint32_t ip = 0;
    std::uint16_t port = 0;
    std::int32_t vlan = kNone;
    friend bool operator==(const Address&, const Address&) noexcept = default;
  };
  struct Entry {
    Address from;
    Received* received;
  };

  static Address address_of(const Endpoint& to, std::optional<std::uint16_t> vlan) noexcept;
  [[gnu::noinline]] static bool locate(const rte_mbuf* m, Address& out) noexcept;
  [[nodiscard]] Received* find(const rte_mbuf* m) const noexcept;
  void hand_out(std::span<rte_mbuf* const> frames) noexcept;
  void drop(rte_mbuf* m) noexcept;

  std::vector<RxQueue*> queues_;
  std::vector<Entry> entries_;  // those that name a VLAN first
  DropCounters drops_;
};

}  // namespace bab::detail
