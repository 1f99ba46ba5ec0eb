#pragma once

#include <cstdint>
#include <vector>

#include <bab/message/framer.hpp>
#include <bab/port/queues.hpp>

#include "checker.hpp"
#include "options.hpp"
#include "receiving_poller.hpp"

namespace testbab {

class Wiring;

/// Receives on some RX queues of one port and judges every message.
class Receiver final : public ReceivingPoller {
 public:
  /// `strict`: every stream is a Generator's, from its first message on.
  Receiver(const Options& options, const bab::FramerOptions& framer,
           std::vector<bab::RxQueue*> queues, bool strict)
      : ReceivingPoller(options, framer, std::move(queues)), checker_(strict, options.payload) {}

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;

  [[nodiscard]] const Checker& checker() const noexcept { return checker_; }

  /// The messages, frames and drops of this receiver; sequence numbers are the engine's to judge.
  void sum_up(Summary& summary) const;

 private:
  Checker checker_;
};

/// The framer options for what port `in` receives.
bab::FramerOptions framer_options(const Options& options, Wiring& wiring, std::size_t in);

}  // namespace testbab
