#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include <rte_cycles.h>

#include <bab/message/framer.hpp>
#include <bab/port/queues.hpp>

#include "flow.hpp"
#include "options.hpp"
#include "payload.hpp"
#include "poller.hpp"
#include "receiver.hpp"

namespace testbab {

/// Receives flows and judges each one's order by the numbers in its messages, and every payload.
class FlowChecker final : public Poller {
 public:
  static constexpr std::size_t kMostFlows = 1024;

  FlowChecker(const Options& options, const bab::FramerOptions& framer,
              std::vector<bab::RxQueue*> queues);

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;

  /// Before it is asked to finish: how many messages must come.
  void expect(std::uint64_t messages) noexcept {
    expected_.store(messages, std::memory_order_release);
  }

  /// `written`: messages of flow i.
  void sum_up(Summary& summary, std::span<const std::uint64_t> written) const;

 private:
  void judge(std::span<const std::uint8_t> message) noexcept;

  bab::Framer framer_;
  Payload payload_;
  std::vector<bab::RxQueue*> queues_;
  std::array<rte_mbuf*, 512> burst_;
  unsigned burst_size_;
  std::array<std::uint64_t, kMostFlows> next_{};  // per flow: the number that should come
  std::array<std::uint64_t, kMostFlows> came_{};
  std::uint64_t next_sequence_ = bab::wire::kMoldFirstSequence;
  std::uint64_t gaps_ = 0;
  std::uint64_t corrupt_ = 0;
  std::uint64_t out_of_order_ = 0;
  std::atomic<std::uint64_t> expected_{0};
  std::uint64_t good_frames_ = 0;  // so far
  std::uint64_t quiet_since_ = 0;  // no good frame came since
};

}  // namespace testbab
