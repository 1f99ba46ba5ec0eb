#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <bab/base/eal.hpp>
#include <bab/bus/bus.hpp>

#include "loop.hpp"
#include "phase.hpp"
#include "port_unit.hpp"
#include "receiver.hpp"
#include "sending.hpp"

namespace bab {

/// What a Bus has, in the order in which it goes last: EAL, ports and pools, publications and
/// subscriptions, loops.
class Bus::Impl final : public detail::BusHand {
 public:
  Impl(const BusOptions& options, const detail::Headers& headers);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() = default;

  Publication publish(const PublishOptions& options);
  std::vector<SharedPublication> publish(const PublishOptions& options,
                                         std::span<const unsigned> lcores);
  Subscription subscribe(const SubscribeOptions& options);

  [[nodiscard]] detail::BusLoop& loop_of(unsigned lcore);
  [[nodiscard]] detail::BusLoop& loop_for_tasks(unsigned lcore);
  void start();
  unsigned turn(std::uint64_t now_tsc);
  bool turn_now();
  bool turn_by_hand(bool flushing) noexcept override;

  /// Any thread, as the next two.
  void begin_stop() noexcept { stop_wanted_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool stop_wanted() const noexcept {
    return stop_wanted_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_stopped() const noexcept { return phase() == detail::BusPhase::kStopped; }
  void stop();
  /// The same, without a look at who calls it, and throws nothing of a task's. A Bus whose thread
  /// is gone may be destroyed on another one; but not in the turn of a worker lcore, nor in its
  /// own.
  void end();
  [[nodiscard]] bool may_end_here() const noexcept {
    return is_on_its_thread() ? !turning_ : Lcore::current() == nullptr;
  }
  /// False: an lcore runs still, or may, which may use anything of this: nothing may go.
  [[nodiscard]] bool may_go() const noexcept { return is_stopped() && !stuck_; }
  [[nodiscard]] const StopReport& report() const noexcept { return report_; }

  [[nodiscard]] Placement placement() const;
  [[nodiscard]] detail::PortUnit& unit(std::size_t i);

 private:
  struct Row {
    unsigned loop;
    std::string what;
    std::string why;
  };
  /// The lcore of a loop, which may not be there yet, and why it was chosen.
  struct Choice {
    unsigned lcore;
    std::string why;
  };
  struct Session {
    std::size_t port;
    Endpoint to;
    wire::Session name;
    std::string about;
    std::vector<unsigned> loops;  ///< that it needs
  };

  [[nodiscard]] detail::BusPhase phase() const noexcept {
    return phase_.load(std::memory_order_relaxed);  // only this thread stores it
  }
  /// R60: pairs with A60: what the Bus's thread did before is seen by the loops in the new phase.
  void enter(detail::BusPhase phase) noexcept { phase_.store(phase, std::memory_order_release); }
  [[nodiscard]] bool is_on_its_thread() const noexcept {
    return thread_ == std::this_thread::get_id();
  }
  unsigned step(std::uint64_t now_tsc, std::exception_ptr& thrown);
  /// For stop() to throw: the first one.
  void keep(std::exception_ptr thrown) noexcept {
    if (!failure_) failure_ = std::move(thrown);
  }
  [[nodiscard]] bool turns(unsigned loop) const noexcept;
  [[nodiscard]] detail::BusHand* hand_for(unsigned lcore) noexcept;
  [[nodiscard]] std::string lcore_text(unsigned id) const;

  // Publishing and subscribing.
  detail::PortUnit& checked_unit(const std::string& what, std::uint32_t port);
  /// Makes nothing. `beside`: what the same call placed already. `with`: where RunOn::kWithIt is,
  /// and why; null: nowhere.
  [[nodiscard]] Choice choose(const std::string& what, unsigned lcore,
                              std::span<const Choice> beside, const Choice* with = nullptr) const;
  [[nodiscard]] std::size_t load_of(unsigned lcore, std::span<const Choice> beside) const;
  [[nodiscard]] detail::BusLoop* find_loop(unsigned lcore) const noexcept;
  [[nodiscard]] std::vector<unsigned> free_workers() const;
  /// When all checks are through.
  detail::BusLoop& make_loop(unsigned lcore);
  [[nodiscard]] unsigned choose_queue(const std::string& what, detail::PortUnit& unit,
                                      std::optional<std::uint16_t> asked, unsigned loop) const;
  struct Publishing {
    detail::PortUnit* unit = nullptr;
    wire::FrameHeaderOptions header;
    WriterOptions writer;
    std::string what, about;
    std::vector<Choice> writers;
    Choice flusher{};
    unsigned queue = 0;
  };
  Publishing prepare(const PublishOptions& options, std::span<const unsigned> lcores);
  void require_new(const Publishing& p, const Endpoint& to, std::size_t port) const;
  [[nodiscard]] Choice choose_poller(const std::string& what, const detail::PortUnit& unit,
                                     unsigned asked, const Choice& reader) const;
  template <class Writer>
  BasicPublication<Writer> add_end(const Choice& where, detail::Sending& sending,
                                   std::unique_ptr<detail::WritingEndOf<Writer>> end);
  void begin(const Publishing& p, std::unique_ptr<detail::Sending> sending, std::size_t port);

  // Stopping.
  void advance(std::uint64_t now_tsc);
  [[nodiscard]] bool drained() const noexcept;
  [[nodiscard]] bool received(std::uint64_t now_tsc) noexcept;
  void begin_quiet(std::uint64_t now_tsc) noexcept;
  [[nodiscard]] bool is_quiet(std::uint64_t now_tsc) const noexcept;
  [[nodiscard]] bool is_read(std::size_t i) const noexcept;
  void note_waiting(std::uint64_t now_tsc);
  [[nodiscard]] bool tasks_ended() noexcept;
  [[nodiscard]] bool loops_ended() const noexcept;
  void abandon(std::string_view what, std::uint32_t percent);
  [[nodiscard]] std::string unended() const;
  void drop_unbegun_tasks();
  void count_pools();
  void leave();
  void account_for_port(std::size_t i);
  void account_for_subscription(std::size_t i);
  void end_session(std::size_t i);
  void close();

  BusOptions options_;
  std::string name_;  // begins those of its pools
  unsigned lcore_;    // of the thread that made it
  std::thread::id thread_ = std::this_thread::get_id();
  std::shared_ptr<Eal> eal_;
  std::vector<unsigned> workers_;
  detail::LcoreClaims claims_;
  detail::AtomicBusPhase phase_{detail::BusPhase::kRun};
  std::vector<std::unique_ptr<detail::PortUnit>> units_;
  std::vector<std::unique_ptr<detail::Sending>> sendings_;
  std::vector<std::unique_ptr<detail::Received>> received_;
  std::vector<unsigned> received_on_;  // the loop of each
  std::vector<std::string> received_from_;
  std::vector<Session> sessions_;                        // of each of sendings_
  std::vector<detail::WritingEnd*> by_hand_;             // which next() flushes
  std::vector<std::unique_ptr<detail::BusLoop>> loops_;  // the first one is by hand
  std::vector<Row> rows_;
  bool started_ = false;

  std::atomic<bool> stop_wanted_{false};
  bool stuck_ = false;
  bool turning_ = false;
  std::uint64_t turned_at_ = 0;   // the last turn's time
  std::uint64_t stop_began_ = 0;  // the same of the first turn after begin_stop()
  std::uint64_t quiet_since_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t unread_since_ = 0;
  std::uint64_t waiting_ = 0;
  std::vector<std::uint64_t> left_;  // of each of received_: what waited when kReceive ended
  std::vector<std::string> notes_;   // the report's, as far as the stop has come
  StopReport report_;
  std::exception_ptr failure_;
};

}  // namespace bab
