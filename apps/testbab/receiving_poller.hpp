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
  /// Main thread, before it is asked to finish: `messages` were sent in all, in these sessions. It
  /// then goes on until so many came, or no more of these sessions' do for half a second, whatever
  /// else comes. Without it, an empty queue is enough, and a tenth of a second where there is none.
  void expect(std::uint64_t messages, std::vector<bab::wire::Session> sessions);

  [[nodiscard]] const bab::Framer& framer() const noexcept { return framer_; }

  /// Strangers' messages are none.
  [[nodiscard]] std::uint64_t progress() const noexcept override { return expected_came_; }

 protected:
  ReceivingPoller(const Options& options, const bab::FramerOptions& framer,
                  std::vector<bab::RxQueue*> queues);

  /// A turn: a burst of each queue, with judge(frame) for every good frame.
  template <class Judge>
  unsigned receive(std::uint64_t now_tsc, Phase phase, Judge judge) noexcept {
    return phase == Phase::kRun ? receive(judge) : receive_last(now_tsc, phase, judge);
  }

 private:
  /// Not inlined: the turns before would need more registers.
  template <class Judge>
  [[gnu::noinline]] unsigned receive_last(std::uint64_t now_tsc, Phase phase,
                                          Judge judge) noexcept {
    const unsigned frames = receive([&](bab::ReceivedFrame& frame) {
      if (is_expected(frame.header().session)) expected_came_ += frame.header().messages();
      judge(frame);
    });
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
          judge(frame);
      frames += n;
    }
    if (frames > 0) publish_received(framer_);
    return frames;
  }

  [[nodiscard]] bool is_expected(const bab::wire::Session& session) const noexcept;
  [[nodiscard]] bool is_over(std::uint64_t now_tsc, Phase phase, unsigned frames) noexcept;

  bab::Framer framer_;
  std::vector<bab::RxQueue*> queues_;
  std::array<rte_mbuf*, 512> burst_;
  unsigned burst_size_;
  // Read when it is asked to finish: phase()'s acquire makes them visible.
  std::uint64_t expected_ = 0;
  std::vector<bab::wire::Session> sessions_;  // sorted
  bab::Counter expected_came_;                // messages, since it was asked to finish
  std::uint64_t last_came_ = 0;
  std::uint64_t quiet_since_ = 0;  // none of them came since
  std::uint64_t asked_at_ = 0;     // to finish
};

}  // namespace testbab
