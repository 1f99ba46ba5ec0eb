#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <bab/memory/buffer_pool.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/loopback_pair.hpp>
#include <bab/port/port.hpp>
#include <bab/port/port_watch.hpp>

#include "engine.hpp"
#include "hot_unplug.hpp"
#include "starvation_watch.hpp"
#include "stop_signals.hpp"

namespace testbab {

/// Throws bab::Error: `engine` can't do with so many ports. `named`: EAL hasn't brought them yet.
void require_ports(const Engine& engine, std::size_t ports, bool named = false);

/// The ports there are, each with a pool to receive into and one to send from. Construction
/// configures, start() starts; anything that can't work is a bab::Error. Main thread.
class Wiring {
 public:
  /// `lcores`: how many may keep buffers in their caches.
  Wiring(const Options& options, const Engine& engine, unsigned lcores, StopSignals& signals);
  ~Wiring();

  /// Throws bab::Error when `engine` can't use the ports there are.
  void require(const Engine& engine) const;

  /// `say` is called with a line of text about each wait of more than two seconds.
  void on_progress(std::function<void(const std::string&)> say) { say_ = std::move(say); }
  /// Starts the ports that are stopped: first all devices, then it waits for their links, since one
  /// port may be cabled to another. A signal ends the wait. Throws bab::Error; the ports that were
  /// stopped are then stopped again.
  void start();
  void start(std::span<const std::size_t> ports);
  void start(std::size_t i) { start(std::span(&i, 1)); }
  /// When nothing runs. Buffers that the port held come back to the pools; frames in memory ports
  /// are freed.
  void stop(std::size_t i);
  /// When nothing runs: reconfigures port i, and its pools where their buffers are too small. A
  /// stopped port stays stopped, another one is started again. Throws bab::Error; the port is then
  /// as it was. Where only its start failed (the error says which), it has the new MTU and is
  /// stopped.
  void set_mtu(const Options& options, std::size_t i, unsigned mtu);

  /// What ends a wait.
  [[nodiscard]] const StopSignals& signals() const noexcept { return signals_; }

  [[nodiscard]] std::size_t ports() const noexcept { return units_.size(); }
  [[nodiscard]] bab::Port& port(std::size_t i) noexcept { return *units_.at(i).port; }
  [[nodiscard]] const bab::Port& port(std::size_t i) const noexcept { return *units_.at(i).port; }
  [[nodiscard]] bab::PortWatch& watch(std::size_t i) noexcept { return *units_.at(i).watch; }
  /// All RX queues of port i, for a poller. A port whose queues no poller has asked for doesn't
  /// receive for the bus: what it misses is no loss.
  [[nodiscard]] std::vector<bab::RxQueue*> rx_queues(std::size_t i);
  [[nodiscard]] bab::BufferPool& tx_pool(std::size_t i) noexcept { return *units_.at(i).tx_pool; }
  [[nodiscard]] bab::BufferPool& rx_pool(std::size_t i) noexcept { return *units_.at(i).rx_pool; }
  [[nodiscard]] const bab::BufferPool& rx_pool(std::size_t i) const noexcept {
    return *units_.at(i).rx_pool;
  }
  /// The pool into which frames that port i's driver split are gathered. Null: into the pool that
  /// their buffers are from.
  [[nodiscard]] bab::BufferPool* gathering_pool(std::size_t i) noexcept {
    if (is_loopback()) return nullptr;
    const Unit& unit = units_.at(i);
    // Also for frames that came in smaller buffers, which the driver had from before the MTU was
    // raised.
    return unit.gathering ? unit.gathering.get() : unit.rx_pool.get();
  }
  /// What an operator should know of the ports and hasn't been told yet, a sentence each.
  [[nodiscard]] std::vector<std::string> new_notes();
  /// Whether the notes say that port i splits frames, or may.
  [[nodiscard]] bool told_of_splits(std::size_t i) const;
  /// All that hold now, as new_notes() found them last.
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }
  /// What the ports that an engine receives on did since its run began.
  [[nodiscard]] std::vector<RxSample> rx_samples() const;
  /// All pools, each once.
  [[nodiscard]] std::vector<const bab::BufferPool*> pools() const;
  /// EAL brought no port and the ring loopback, or a pair of ports, was made.
  [[nodiscard]] bool is_loopback() const noexcept { return loopback_ || pair_; }

  /// Headers of port i's frames sent on `queue`, as the options say.
  [[nodiscard]] bab::wire::FrameHeaderOptions header_options(const Options& options, std::size_t i,
                                                             unsigned queue) const;
  [[nodiscard]] bab::wire::FrameHeader header(const Options& options, std::size_t i,
                                              unsigned queue) const {
    return bab::wire::FrameHeader(header_options(options, i, queue));
  }

  /// What happens to frames in memory ports: at a stop to those that are still there, at a start to
  /// those that came since.
  enum class Queued : std::uint8_t { kFree, kKeep };

  /// Before a run, and before its job is made: `engine` is going to use the ports. Their counters
  /// begin at 0.
  void begin(const Engine& engine, Queued queued = Queued::kFree);
  /// When the lcores are about to receive: frames that NICs missed before are no loss.
  void begin_receiving();
  /// When all lcores have stopped: the statistics of the run.
  void collect(Summary& summary, Queued queued = Queued::kFree);
  /// When the job is gone, too: how full the pools are, and what holds the buffers that are
  /// missing.
  void audit(Summary& summary) const;

  /// Port i's statistics of all runs and of the time between them, since they were cleared. At any
  /// time.
  [[nodiscard]] bab::PortStats stats(std::size_t i) const;
  void clear_stats(std::size_t i);
  /// When nothing runs: stops and closes the ports for good, then looks whether the pools are full
  /// again.
  void close(Summary& summary);

 private:
  void begin_start(std::size_t i);
  void await_link(std::size_t i);
  struct Unit {
    std::shared_ptr<bab::BufferPool> rx_pool;
    std::shared_ptr<bab::BufferPool> tx_pool;
    std::shared_ptr<bab::BufferPool> gathering;  // where a frame is longer than a buffer of rx_pool
    std::vector<std::shared_ptr<bab::BufferPool>>
        replaced;  // as long as a driver has buffers of them
    std::vector<std::shared_ptr<bab::BufferPool>> of_port;  // when it is closed: made_pools()
    std::unique_ptr<bab::Port> port;
    std::unique_ptr<bab::PortWatch> watch;
    bool receives = false;
    std::uint64_t unsent = 0;         // frames that were lost by stops, so far
    std::uint64_t unsent_before = 0;  // of those, before the last run ended
    std::vector<HeldFrame> held;      // by its NIC when the last run ended, the newest first
    unsigned generation = 0;          // of its pools
    bab::PortStats past{};  // of before its counters began anew, modulo 2^64: a clear subtracts
  };
  [[nodiscard]] std::shared_ptr<bab::BufferPool> make_pool(
      const Options& options, const std::string& name, std::uint32_t data_room,
      std::uint32_t queued, std::uint32_t writers, bool receives) const;
  void make_tx_pool(const Options& options, const bab::PortOptions& po, Unit& unit) const;
  /// Makes the pool to receive into, unless the one that the unit has will do, and the one to
  /// gather in.
  bab::RxPoolMaker rx_pool_maker(const Options& options, std::uint16_t id, unsigned mtu,
                                 Unit& unit) const;
  void make_gathering_pool(const Options& options, std::uint16_t id, unsigned mtu,
                           Unit& unit) const;
  [[nodiscard]] std::uint32_t buffers_for(std::uint32_t held, std::uint32_t writers = 0) const;
  void add_port(const Options& options, std::uint16_t id);
  static void bank_stats(Unit& unit);
  static std::vector<std::shared_ptr<bab::BufferPool>> pools_of(const Unit& unit);
  [[nodiscard]] bool is_lost(const Unit& unit) const;
  static void add_rows(const Unit& unit, const PortSummary& p, const bab::TxAccount& tx,
                       bab::Ledger& ledger);
  /// How many of a pool's buffers the queues of open ports may hold.
  [[nodiscard]] std::uint32_t descriptors(const bab::BufferPool& pool) const;

  unsigned lcores_;
  unsigned burst_, mbcache_;
  std::optional<unsigned> mbuf_size_, own_buffers_;  // as the user wants them
  std::vector<std::string> notes_;
  StopSignals& signals_;
  std::function<void(const std::string&)> say_ = [](const std::string&) {};
  const Engine* engine_;
  bool ran_ = false;
  std::optional<bab::Loopback> loopback_;
  std::optional<bab::LoopbackPair> pair_;
  std::optional<HotUnplug> hot_unplug_;  // goes after the ports: closing one writes its registers
  std::vector<Unit> units_;
};

}  // namespace testbab
