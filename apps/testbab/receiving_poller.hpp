#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <bab/base/counter.hpp>
#include <bab/message/framer.hpp>
#include <bab/port/queues.hpp>
#include <bab/wire/moldudp64.hpp>

#include "options.hpp"
#include "poller.hpp"

namespace testbab {

/// Receives on some RX queues of one port until what was expected has come: what Receiver and
/// FlowChecker have in common. A derived class judges what comes.
class ReceivingPoller : public Poller {
 public:
  /// Main thread, before it runs: these sessions are its own, and what comes in others is foreign,
  /// counted and not judged. Without it, or without sessions, everything is judged.
  void judge_only(std::vector<bab::wire::Session> sessions);
  /// Main thread, before it is asked to finish: `messages` were sent in all, in its own sessions.
  /// It then goes on until so many came, or no more of its own do for half a second, whatever else
  /// comes. Without it, an empty queue is enough, and a tenth of a second where there is none.
  void expect(std::uint64_t messages) { expected_ = messages; }

  [[nodiscard]] const bab::Framer& framer() const noexcept { return framer_; }

  /// Strangers' messages are none.
  [[nodiscard]] std::uint64_t progress() const noexcept override { return own_; }
  /// Messages of its own sessions, and of others.
  [[nodiscard]] std::uint64_t own() const noexcept { return own_; }
  [[nodiscard]] std::uint64_t foreign() const noexcept { return foreign_; }

 protected:
  ReceivingPoller(const Options& options, const bab::FramerOptions& framer,
                  std::vector<bab::RxQueue*> queues);

  /// A turn: a burst of each queue, with judge(frame) for every good frame of its own sessions.
  template <class Judge>
  unsigned receive(std::uint64_t now_tsc, Phase phase, Judge judge) noexcept {
    return phase == Phase::kRun ? receive(judge) : receive_last(now_tsc, phase, judge);
  }

 private:
  /// Not inlined: the turns before would need more registers.
  template <class Judge>
  [[gnu::noinline]] unsigned receive_last(std::uint64_t now_tsc, Phase phase,
                                          Judge judge) noexcept {
    const unsigned frames = receive(judge);
    if (is_over(now_tsc, phase, frames)) finish();
    return frames;
  }

  template <class Judge>
  unsigned receive(const Judge& judge) noexcept {
    unsigned frames = 0;
    for (bab::RxQueue* queue : queues_) {
      const unsigned n = queue->receive(std::span(burst_.data(), burst_size_));
      for (unsigned i = 0; i < n; ++i)
        if (auto frame = framer_.accept(burst_[i], i + 1 < n ? burst_[i + 1] : nullptr))
          if (is_own(frame.header())) judge(frame);
      frames += n;
    }
    if (frames > 0) publish_received(framer_);
    return frames;
  }

  /// Counts the frame's messages, too.
  [[nodiscard]] bool is_own(const bab::wire::MoldHeader& header) noexcept {
    if (sessions_.empty()) return true;
    if (header.session != last_own_) [[unlikely]]
      if (!find_own(header)) return false;
    own_ += header.messages();
    return true;
  }
  [[nodiscard]] bool find_own(const bab::wire::MoldHeader& header) noexcept;
  [[nodiscard]] bool is_over(std::uint64_t now_tsc, Phase phase, unsigned frames) noexcept;

  bab::Framer framer_;
  std::vector<bab::RxQueue*> queues_;
  std::array<rte_mbuf*, 512> burst_;
  unsigned burst_size_;
  // Read when it is asked to finish: phase()'s acquire makes them visible.
  std::uint64_t expected_ = 0;
  std::vector<bab::wire::Session> sessions_;  // sorted
  bab::wire::Session last_own_{};             // one of them
  bab::Counter own_;                          // messages
  std::uint64_t foreign_ = 0;                 // messages
  std::uint64_t last_own_count_ = 0;
  std::uint64_t quiet_since_ = 0;  // none of them came since
  std::uint64_t asked_at_ = 0;     // to finish
};

}  // namespace testbab
