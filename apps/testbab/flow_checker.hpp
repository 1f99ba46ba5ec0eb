#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <bab/message/framer.hpp>
#include <bab/port/queues.hpp>
#include <bab/wire/moldudp64.hpp>

#include "options.hpp"
#include "payload.hpp"
#include "receiving_poller.hpp"
#include "summary.hpp"

namespace testbab {

/// Receives flows and judges each one's order by the numbers in its messages, and every payload.
class FlowChecker final : public ReceivingPoller {
 public:
  static constexpr std::size_t kMaxFlows = 1024;

  FlowChecker(const Options& options, const bab::FramerOptions& framer,
              std::vector<bab::RxQueue*> queues)
      : ReceivingPoller(options, framer, std::move(queues)), payload_(options.payload) {}

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;

  /// `written`: messages of flow i.
  void sum_up(Summary& summary, std::span<const std::uint64_t> written) const;

 private:
  void judge(std::span<const std::uint8_t> message) noexcept;

  Payload payload_;
  std::array<std::uint64_t, kMaxFlows> next_{};  // per flow: the number that should come
  std::array<std::uint64_t, kMaxFlows> came_{};
  std::uint64_t next_sequence_ = bab::wire::kMoldFirstSequence;
  std::uint64_t gaps_ = 0;
  std::uint64_t corrupt_ = 0;
  std::uint64_t out_of_order_ = 0;
};

}  // namespace testbab
