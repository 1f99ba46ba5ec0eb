#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rte_memcpy.h>

#include <bab/base/drops.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/port/queues.hpp>

#include "ledger_rows.hpp"
#include "options.hpp"
#include "poller.hpp"
#include "summary.hpp"

namespace testbab {

class Wiring;

/// Receives messages and copies each into a frame that goes out, on one lcore: what the pollers of
/// relay and echo have in common. A message that finds no room waits, and nothing more is received
/// meanwhile: back-pressure, not loss.
class ForwardingPoller : public Poller {
 protected:
  /// Receives on `rx`, queues of port `in`.
  ForwardingPoller(const Options& options, Wiring& wiring, std::size_t in,
                   std::vector<bab::RxQueue*> rx);
  ~ForwardingPoller() override;

  /// Everything that was received is written or counted.
  [[nodiscard]] bool all_written() const noexcept { return at_ == came_ && !frame_; }

  /// A burst of one RX queue, of another one next time. When all_written().
  unsigned receive() noexcept;

  /// Copies on until all_written() or until there is no room; returns how much work that was.
  /// accept(mbuf, next mbuf or null): what the framer makes of a frame.
  /// begin(frame): whether its messages can be written now.
  /// reserve(length): room in a writer.
  /// committed(length): the message is written.
  template <class Accept, class Begin, class Reserve, class Committed>
  unsigned forward(const Accept& accept, const Begin& begin, const Reserve& reserve,
                   const Committed& committed) noexcept {
    unsigned work = 0;
    while (true) {
      if (!frame_) {
        if (at_ == came_) return work;
        ++work;
        rte_mbuf* m = burst_[at_++];
        bab::ReceivedFrame next = accept(m, at_ < came_ ? burst_[at_] : nullptr);
        if (next && next.left() > 0) frame_.emplace(std::move(next));
        continue;
      }
      if (!begin(*frame_)) return work;
      while (waiting_ || frame_->left() > 0) {
        const auto message = waiting_ ? *waiting_ : frame_->next_bytes();
        auto room = reserve(static_cast<std::uint32_t>(message.size()));
        if (!room && room.failure() != bab::ReserveFailure::kTooLong) {
          waiting_ = message;
          return work;
        }
        waiting_.reset();
        if (room) {
          rte_memcpy(room.data(), message.data(), message.size());
          room.commit();
          committed(message.size());
        } else {
          drops_.add(bab::Drop::kTooLong);
        }
        ++work;
      }
      frame_.reset();
    }
  }

  /// There was no room in time: what waits is dropped and counted.
  void give_up() noexcept;

  /// What came and what of that was dropped, for others to see.
  void publish_forwarded() noexcept;

  /// `written`: what came of the messages that writers took; its row is named, the rest of the row
  /// is filled in here.
  void sum_up_forwarded(Summary& summary, Written written, const bab::TxQueue& queue) const;

  [[nodiscard]] bab::Framer& framer() noexcept { return framer_; }

 private:
  std::vector<bab::RxQueue*> rx_;
  unsigned burst_size_;
  std::size_t turn_ = 0;
  std::array<rte_mbuf*, 512> burst_;
  unsigned at_ = 0, came_ = 0;
  std::optional<bab::ReceivedFrame> frame_;
  std::optional<std::span<const std::uint8_t>> waiting_;  // a message of frame_
  bab::Framer framer_;
  bab::DropCounters drops_;  // messages
};

/// The RX queues of port `in`, dealt out among the TX queues of port `out`: one list for each
/// poller, which sends on the TX queue of the same place.
std::vector<std::vector<bab::RxQueue*>> deal_rx_queues(Wiring& wiring, std::size_t in,
                                                       std::size_t out);

}  // namespace testbab
