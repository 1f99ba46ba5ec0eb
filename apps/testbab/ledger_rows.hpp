#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <bab/base/drops.hpp>
#include <bab/message/framer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/queues.hpp>
#include <bab/wire/moldudp64.hpp>

#include "summary.hpp"

// What engines say of a run that is over: each of these adds to its totals, and most add a row to
// its ledger. Main thread.
namespace testbab {

/// The good frames of a framer with their messages, and its drops.
void add_received(Summary& summary, const bab::Framer& framer);

/// The row of messages that a receiver took, where some of them are of sessions that aren't its
/// own. Behind add_received().
void add_foreign(Summary& summary, std::uint64_t own, std::uint64_t foreign);

/// The row of all frames that were taken from the ports' queues: good ones, and each reason of the
/// others. Once a run, behind add_received().
void add_frames_row(Summary& summary);

/// Messages for one session and one TX queue, and how far they came.
struct Written {
  std::string row;             ///< "messages generated"
  std::uint64_t messages = 0;  ///< in that row
  /// Messages of that row that no writer took: name and number.
  std::vector<std::pair<std::string, std::uint64_t>> unwritten{};
  std::uint64_t frames = 0;  ///< that the writers handed over
  bab::FlusherStats flushed{};
  bab::DropCounters drops{};  ///< of the flusher
  bab::wire::Session session{};

  /// Adds the same of another flusher on that queue.
  void add(const bab::FlusherStats& stats, const bab::DropCounters& flusher_drops);
};

/// Of messages that writers took.
[[nodiscard]] std::uint64_t sent_messages(const bab::FlusherStats& flushed,
                                          const bab::TxQueue& queue);
/// Messages that have a sequence number and were not sent: receivers see a gap.
[[nodiscard]] std::uint64_t unsent_messages(const bab::FlusherStats& flushed,
                                            const bab::TxQueue& queue);

/// The rows of the messages and of the frames that they were written into. BusTotals::lost is the
/// engine's to count.
void add_sent(Summary& summary, const Written& written, const bab::TxQueue& queue);

}  // namespace testbab
