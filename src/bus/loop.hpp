#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include <bab/lcore/lcore.hpp>

#include "phase.hpp"

namespace bab::detail {

/// One lcore of a Bus, or the thread that made it: the bus's pollers there and the application's
/// tasks. All calls on the Bus's thread, while the lcore doesn't run; those that say so at any
/// time.
class BusLoop {
 public:
  /// `lcore`: a worker's id, or RunOn::kHere.
  BusLoop(unsigned lcore, const IdleOptions& idle, const AtomicBusPhase& phase);
  BusLoop(const BusLoop&) = delete;
  BusLoop& operator=(const BusLoop&) = delete;

  [[nodiscard]] unsigned id() const noexcept { return id_; }
  [[nodiscard]] Lcore& lcore() noexcept { return lcore_; }
  /// For tasks of publications, which end before the others. Made when it is first asked for.
  Lcore& writers();

  template <class Poller>
  void send_by(Poller& poller) {
    senders_.push_back({&poller, poll_of<Poller>});
  }
  template <class Poller>
  void receive_by(Poller& poller) {
    receivers_.push_back({&poller, poll_of<Poller>});
  }
  [[nodiscard]] std::size_t pollers() const noexcept { return senders_.size() + receivers_.size(); }

  unsigned poll(std::uint64_t now_tsc) noexcept;
  /// What was written behind the last turn's polls, on its lcore.
  void send_rest() noexcept;

  /// Starts a worker lcore. Throws Error: it is busy.
  void launch();
  /// Any time.
  [[nodiscard]] bool launched() const noexcept { return launched_; }
  /// A63: pairs with R63.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  /// When it has ended, or was never launched: waits until EAL has its lcore back, which is at
  /// once.
  void join() noexcept;
  /// Any time: turns since the last mark_turn().
  [[nodiscard]] std::uint64_t turned_since_mark() const noexcept {
    return lcore_.counters().turns - marked_turn_;
  }
  void mark_turn() noexcept { marked_turn_ = lcore_.counters().turns; }
  /// Any time: tasks of publications are asked to end, or the others.
  void stop_writers() noexcept {
    if (writers_ != nullptr) writers_->lcore.request_stop();
  }
  void stop_tasks() noexcept { lcore_.request_stop(); }
  /// Any time: publications' tasks have ended, as far as its last turn saw.
  /// A62: pairs with R62.
  [[nodiscard]] bool writers_ended() const noexcept {
    return writers_ == nullptr || ended() || writers_->left.load(std::memory_order_acquire) == 0;
  }
  /// When it has ended, or by hand.
  [[nodiscard]] std::size_t tasks() const noexcept {
    return lcore_.tasks() + (writers_ != nullptr ? writers_->lcore.tasks() : 0);
  }
  /// The same, and by hand between turns: throws what a task threw, once.
  void rethrow();
  /// Of a worker that was never launched: its tasks go. Returns how many there were.
  std::size_t drop_tasks() noexcept;

 private:
  struct Polled {
    void* self;
    unsigned (*poll)(void*, std::uint64_t) noexcept;
  };
  template <class P>
  static unsigned poll_of(void* self, std::uint64_t now) noexcept {
    return static_cast<P*>(self)->poll(now);
  }
  struct Writers {
    Lcore lcore;
    std::atomic<std::size_t> left{1};  // tasks; its first turn says how many
  };

  void run() noexcept;

  unsigned id_;
  const AtomicBusPhase& phase_;
  Lcore lcore_;
  std::unique_ptr<Writers> writers_;
  std::vector<Polled> senders_;
  std::vector<Polled> receivers_;
  std::exception_ptr failure_;  // of run(); ended_ hands it over
  bool launched_ = false;
  std::uint64_t marked_turn_ = 0;
  std::atomic<bool> ended_{false};
};

/// The worker lcores that Buses of this process have. Each belongs to one of them.
class LcoreClaims {
 public:
  LcoreClaims() = default;
  LcoreClaims(const LcoreClaims&) = delete;
  LcoreClaims& operator=(const LcoreClaims&) = delete;
  ~LcoreClaims();

  /// False: another Bus has it.
  bool claim(unsigned lcore);
  [[nodiscard]] bool is_anothers(unsigned lcore) const;

 private:
  std::vector<unsigned> mine_;
};

}  // namespace bab::detail
