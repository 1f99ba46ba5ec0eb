#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <bab/memory/buffer_pool.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/port.hpp>

#include "engine.hpp"
#include "stop_signals.hpp"

namespace testbab {

/// The ports there are, each with a pool to receive into and one to send from. Construction configures,
/// start() starts; anything that can't work is a bab::Error.
class Wiring {
 public:
  /// `lcores`: how many may keep buffers in their caches.
  Wiring(const Options& options, const Engine& engine, unsigned lcores);
  ~Wiring();

  /// A signal ends the wait for links.
  void start(StopSignals& signals);

  [[nodiscard]] std::size_t ports() const noexcept { return units_.size(); }
  [[nodiscard]] bab::Port& port(std::size_t i) noexcept { return *units_.at(i).port; }
  /// All RX queues of port i, for a poller. What arrives at a port whose queues nobody asked for is not the
  /// bus's, and no loss.
  [[nodiscard]] std::vector<bab::RxQueue*> rx_queues(std::size_t i);
  [[nodiscard]] bab::BufferPool& tx_pool(std::size_t i) noexcept { return *units_.at(i).tx_pool; }
  /// EAL brought no port and the ring loopback was made.
  [[nodiscard]] bool is_loopback() const noexcept { return loopback_.has_value(); }

  /// Headers of port i's frames sent on `queue`, as the options say.
  [[nodiscard]] bab::wire::FrameHeader header(const Options& options, std::size_t i,
                                              unsigned queue) const;

  /// When all lcores have stopped: frees what is left in memory ports, takes the statistics and stops.
  void stop(Summary& summary);
  /// When the job is gone, too: closes the ports, then looks whether the pools are full again.
  void audit(Summary& summary);

 private:
  struct Unit {
    std::shared_ptr<bab::BufferPool> rx_pool;
    std::shared_ptr<bab::BufferPool> tx_pool;
    std::unique_ptr<bab::Port> port;
    bool receives = false;
  };
  [[nodiscard]] std::shared_ptr<bab::BufferPool> make_pool(const Options& options,
                                                           const std::string& name,
                                                           std::uint32_t data_room,
                                                           std::uint32_t queued,
                                                           bool receives) const;
  void add_port(const Options& options, std::uint16_t id);

  unsigned lcores_;
  std::string default_session_;
  std::optional<bab::Loopback> loopback_;
  std::vector<Unit> units_;
};

}  // namespace testbab
