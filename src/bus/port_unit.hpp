#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <bab/bus/bus_options.hpp>
#include <bab/bus/pool_plan.hpp>
#include <bab/detail/eal_use.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>
#include <bab/wire/frame_header.hpp>

#include "receiver.hpp"

struct rte_memzone;

namespace bab::detail {

/// What a port's options were found to mean, when nothing of it was made yet.
struct PortChoice {
  BusPort options;
  std::string label;     ///< "ports[0] (net_null0)"
  std::uint16_t id = 0;  ///< not of a loopback, which is still to be made
  bool is_loopback = false;
};

/// A queue of a host's port belongs to one Bus only. As with PortClaim, the claim is noted in EAL's
/// memory.
class QueueClaim {
 public:
  /// `kind`: "RX" or "TX". Throws Error, whose sentence `label` begins: another Bus has the queue.
  QueueClaim(const std::string& label, std::uint16_t id, const char* kind, std::uint16_t queue);
  QueueClaim(const QueueClaim&) = delete;
  QueueClaim& operator=(const QueueClaim&) = delete;
  ~QueueClaim();

 private:
  EalUse eal_;
  const rte_memzone* note_;
};

/// One of a Bus's ports: its pools, the device or the host's queues of it, and who has which queue.
class PortUnit {
 public:
  /// `lcores`: how many may keep buffers of its pools. `name` begins those of its pools.
  PortUnit(const PortChoice& choice, const std::string& name, unsigned lcores, std::uint32_t cache);
  PortUnit(const PortUnit&) = delete;
  PortUnit& operator=(const PortUnit&) = delete;

  [[nodiscard]] const BusPort& options() const noexcept { return choice_.options; }
  [[nodiscard]] const std::string& label() const noexcept { return choice_.label; }
  [[nodiscard]] bool is_hosts() const noexcept { return choice_.options.host.has_value(); }
  [[nodiscard]] Port* port() noexcept { return port_.get(); }
  [[nodiscard]] std::uint32_t mtu() const noexcept { return mtu_; }
  [[nodiscard]] bool is_ring() const noexcept { return is_ring_; }
  [[nodiscard]] BufferPool& tx_pool() noexcept { return *tx_pool_; }
  [[nodiscard]] const PoolPlan& tx_plan() const noexcept { return tx_plan_; }
  [[nodiscard]] const PoolPlan& rx_plan() const noexcept { return rx_plan_; }
  /// All its pools, each once.
  [[nodiscard]] std::vector<const BufferPool*> pools() const;

  /// Source address, checksums and tags of frames that are sent here.
  void complete(wire::FrameHeaderOptions& header) const;
  [[nodiscard]] FramerOptions framer_options() const;

  [[nodiscard]] unsigned tx_queues() const noexcept {
    return static_cast<unsigned>(tx_owners_.size());
  }
  [[nodiscard]] TxQueue& tx(unsigned queue) noexcept;
  /// The loop that has a queue; none.
  [[nodiscard]] std::optional<unsigned>& tx_owner(unsigned queue) { return tx_owners_.at(queue); }
  [[nodiscard]] std::vector<RxQueue*> rx_queues();
  /// That its RX queues gave so far.
  [[nodiscard]] std::uint64_t received_frames() const;

  static constexpr std::uint32_t kMaxSubscriptions = 1024;

  std::unique_ptr<Receiver> receiver;
  std::optional<unsigned> polled_by;  ///< the loop that has the receiver
  std::uint32_t writers = 0;          ///< that there are
  std::uint32_t backlog = 0;          ///< that subscriptions have
  std::uint32_t subscriptions = 0;    ///< that there are

  /// When nobody polls it any more: stops and closes the port. What is in a memory port goes back.
  void close() noexcept;

 private:
  void make_loopback();
  void make_own(const std::string& name);
  void use_hosts(const std::string& name);
  [[nodiscard]] PortOptions port_options() const;
  [[nodiscard]] std::shared_ptr<BufferPool> make_pool(const std::string& name, const PoolPlan& plan,
                                                      std::uint32_t data_room, bool receives) const;
  [[nodiscard]] std::uint32_t most_taken() const;
  [[nodiscard]] PoolNeeds needs(std::uint32_t held, std::uint32_t writing, bool receiving) const;

  PortChoice choice_;
  unsigned lcores_;
  std::uint32_t cache_;
  std::optional<Loopback> loopback_;
  std::shared_ptr<BufferPool> tx_pool_;
  std::shared_ptr<BufferPool> rx_pool_;    // null: the port receives what was sent
  std::shared_ptr<BufferPool> gathering_;  // where frames are longer than a buffer of rx_pool_
  PoolPlan tx_plan_;
  PoolPlan rx_plan_;
  std::unique_ptr<Port> port_;  // null: the host's, or closed
  std::optional<QueueClaim> hosts_rx_claim_;
  std::optional<QueueClaim> hosts_tx_claim_;
  std::deque<RxQueue> hosts_rx_;
  std::deque<TxQueue> hosts_tx_;
  std::uint32_t mtu_ = 0;
  bool is_ring_ = false;
  wire::MacAddress mac_{};
  Offloads offloads_{};
  std::vector<std::optional<unsigned>> tx_owners_;
};

}  // namespace bab::detail
