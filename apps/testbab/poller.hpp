#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <bab/base/counter.hpp>
#include <bab/base/drops.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>

namespace testbab {

/// What a poller shows other threads while it runs: stored once per burst, read for live rates.
struct alignas(64) LiveCounters {
  bab::Counter messages;
  bab::Counter bytes;  ///< of messages
  bab::Counter frames;
  bab::Counter dropped;

  void publish(std::uint64_t m, std::uint64_t b, std::uint64_t f, std::uint64_t d) noexcept {
    messages = m;
    bytes = b;
    frames = f;
    dropped = d;
  }
};

/// What it dropped so far, by reason.
struct alignas(64) LiveDrops {
  std::array<bab::Counter, bab::kDrops> reasons{};

  void publish(const bab::DropCounters& drops) noexcept {
    for (std::size_t i = 1; i < bab::kDrops; ++i)
      if (const std::uint64_t n = drops[static_cast<bab::Drop>(i)]; n != reasons[i]) [[unlikely]]
        reasons[i] = n;
  }
};

/// Frames so far that came split over several buffers and were gathered into one.
class LiveGathered {
 public:
  void publish(std::uint64_t frames) noexcept {
    if (frames != frames_) [[unlikely]]
      frames_ = frames;
  }
  [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }

 private:
  bab::Counter frames_;
};

/// How full something is.
struct Level {
  std::uint64_t used = 0, of = 0;
};

/// What a poller's writer did so far.
struct alignas(64) LiveWriter {
  std::atomic<bool> active{false};  ///< there is one
  bab::Counter frames;
  bab::Counter gathered;
  bab::Counter starved;

  void publish(const bab::WriterStats& s) noexcept {
    active.store(true, std::memory_order_relaxed);
    frames = s.frames;
    gathered = s.gathered;
    starved = s.starved;
  }
};

enum class Direction : std::uint8_t { kTx, kRx, kBoth };

/// One job on one lcore: called once per loop turn.
class Poller {
 public:
  enum class Phase : std::uint8_t {
    kRun,
    kFinish,   ///< begin nothing new, send what there is, then finish()
    kAbandon,  ///< the same at once: drop and count what can't be sent
  };

  explicit Poller(Direction direction) : direction_(direction) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  virtual ~Poller() = default;

  /// On its lcore. Returns how much work it did; 0 means idle.
  virtual unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept = 0;

  /// The same in the phase that enter() asked for. The lcore's loop calls this.
  unsigned poll(std::uint64_t now_tsc) noexcept { return poll(now_tsc, phase()); }

  [[nodiscard]] Direction direction() const noexcept { return direction_; }

  /// Any thread. The acquire pairs with finish()'s release: the results can be read then.
  [[nodiscard]] bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }
  void enter(Phase phase) noexcept { phase_.store(phase, std::memory_order_release); }
  [[nodiscard]] Phase phase() const noexcept { return phase_.load(std::memory_order_acquire); }

  /// A word or two for people.
  [[nodiscard]] virtual std::string_view what() const noexcept {
    switch (direction_) {
      case Direction::kTx:
        return "generator";
      case Direction::kRx:
        return "receiver";
      case Direction::kBoth:
        break;
    }
    return "relay";
  }

  /// Its writer, its rings and its ports' queues hold buffers of this pool. Main thread.
  void works_with(const bab::BufferPool& pool) { pools_.push_back(&pool); }
  [[nodiscard]] const std::vector<const bab::BufferPool*>& pools() const noexcept { return pools_; }

  /// Of the ring between its writer and its flusher, at this moment; 0 of 0: it has none. Any
  /// thread.
  [[nodiscard]] virtual Level ring() const noexcept { return {}; }

  /// It receives on the port at this place among all ports. Main thread.
  void receives_on(std::size_t port) { rx_port_ = port; }
  [[nodiscard]] std::optional<std::size_t> rx_port() const noexcept { return rx_port_; }

  /// Grows as long as it gets on with what it has begun, whatever strangers send: a stop gives up
  /// on pollers that don't. Main thread.
  [[nodiscard]] virtual std::uint64_t progress() const noexcept { return live_tx.frames; }

  LiveCounters live_tx;
  LiveCounters live_rx;
  LiveDrops live_drops;
  LiveGathered live_gathered;
  LiveWriter live_writer;

 protected:
  /// What `framer` made of what came, for others to see.
  void publish_received(const bab::Framer& framer) noexcept {
    const bab::FramerStats& s = framer.stats();
    live_rx.publish(s.messages, s.bytes, s.frames, framer.drops().total(bab::DropUnit::kFrame));
    live_drops.publish(framer.drops());
    live_gathered.publish(s.gathered);
  }

  void finish() noexcept { finished_.store(true, std::memory_order_release); }

 private:
  Direction direction_;
  std::vector<const bab::BufferPool*> pools_;
  std::optional<std::size_t> rx_port_;
  std::atomic<Phase> phase_{Phase::kRun};
  std::atomic<bool> finished_{false};
};

}  // namespace testbab
