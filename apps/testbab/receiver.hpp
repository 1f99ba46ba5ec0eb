#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include <bab/message/framer.hpp>
#include <bab/port/queues.hpp>

#include "checker.hpp"
#include "options.hpp"
#include "poller.hpp"

namespace testbab {

class Wiring;

/// Receives on some RX queues of one port and judges every message.
class Receiver final : public Poller {
 public:
  Receiver(const Options& options, const bab::FramerOptions& framer,
           std::vector<bab::RxQueue*> queues, bool strict);

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;

  /// Before it is asked to finish: then it goes on until so many messages came, or nothing more
  /// does for a while. Without it, an empty queue is enough.
  void expect(std::uint64_t messages) noexcept {
    expected_.store(messages, std::memory_order_release);
  }

  [[nodiscard]] const bab::Framer& framer() const noexcept { return framer_; }
  [[nodiscard]] const Checker& checker() const noexcept { return checker_; }

  /// The messages, frames and drops of this receiver; sequence numbers are the engine's to judge.
  void sum_up(Summary& summary) const;

 private:
  [[nodiscard]] bool is_over(std::uint64_t now_tsc, Phase phase, unsigned frames) noexcept;

  bab::Framer framer_;
  Checker checker_;
  std::vector<bab::RxQueue*> queues_;
  std::array<rte_mbuf*, 512> burst_;
  unsigned burst_size_;
  std::atomic<std::uint64_t> expected_{0};
  std::uint64_t good_frames_ = 0;  // so far
  std::uint64_t quiet_since_ = 0;  // no good frame came since
  std::uint64_t asked_at_ = 0;     // to finish
};

/// The framer options for what port `in` receives.
bab::FramerOptions framer_options(const Options& options, Wiring& wiring, std::size_t in);

/// The ledger's row of frames: what was taken from the ports' queues went to good frames or to a
/// reason.
void add_frames_row(Summary& summary);

}  // namespace testbab
