#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bab/base/drops.hpp>
#include <bab/base/ledger.hpp>
#include <bab/capture/capture.hpp>
#include <bab/lcore/idle.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/message/writer_options.hpp>
#include <bab/port/port.hpp>

#include "held_frames.hpp"
#include "latency.hpp"

namespace testbab {

/// What one writer did, as it says itself, and what of it went to its flusher. A shared writer is
/// one, whatever lcores write into it.
struct WriterSummary {
  bab::FlushedWriter flushed;
  bab::WriterStats stats;
};

/// What the bus did, summed over pollers.
struct BusTotals {
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  ///< of messages, without their length prefixes
  std::uint64_t frames_in = 0, frames_out = 0;
  std::uint64_t lost = 0;          ///< messages that bab lost
  std::uint64_t corrupt = 0;       ///< messages whose payload isn't what was sent
  std::uint64_t missing = 0;       ///< sequence numbers that never came, whoever lost them
  std::uint64_t gaps = 0;          ///< places where the sequence jumped
  std::uint64_t out_of_order = 0;  ///< frames with a sequence number below the expected one
  std::uint64_t disordered = 0;    ///< of those frames, the ones of testbab's own streams
  std::uint64_t duplicates = 0;    ///< messages that came again
  std::uint64_t streams = 0;       ///< sessions that were judged
  std::uint64_t unjudged = 0;      ///< messages of sessions beyond those that a checker can judge
  std::uint64_t restarts = 0;      ///< times that a session began again at 1
  std::uint64_t gathered =
      0;  ///< frames that came split over several buffers and were put together

  BusTotals& operator+=(const BusTotals& other) noexcept;
};

struct PortSummary {
  std::uint16_t id = 0;
  std::string name, driver;
  std::uint32_t mtu = 0;
  bab::PortStats stats{};
  std::vector<bab::Capability> offloads;  ///< who does what, and why
  bab::RxBuffers rx_buffers;
  std::uint64_t left = 0;      ///< frames still in a memory port at the stop, freed
  std::uint64_t taken = 0;     ///< frames that pollers took from its queues, by our count
  std::uint64_t gathered = 0;  ///< of those, came split over several buffers and were put together
  std::vector<std::string> captures;  ///< the files it writes frames to, if it does
  std::uint64_t capture_missing = 0;  ///< bytes of them that are not in those files
};

/// Something that happened to a port during the run.
struct EventSummary {
  double seconds;  ///< since the run began
  std::uint16_t port;
  std::string_view what;          ///< "link down"
  std::uint64_t doubtful_frames;  ///< link down: sent since the link was last seen up
};

struct PoolSummary {
  std::string name;
  std::uint32_t buffers;
  std::uint32_t leaked;
  std::uint32_t held = 0;                    ///< by the driver of a port that isn't closed
  std::vector<bab::BufferHolder> holders{};  ///< of some of the leaked ones
};

struct LcoreSummary {
  unsigned lcore;
  int cpu;  ///< -1: it floats over several
  std::uint64_t turns, busy_cycles, idle_cycles;
  bab::IdleStrategy idle;  ///< in force: --idle=monitor is pause on a CPU without TPAUSE
};

struct CaptureSummary {
  std::string path;
  bab::CaptureStats stats;
};

/// What there was to replay.
struct ReplaySummary {
  std::uint64_t messages;    ///< a round
  std::uint64_t duplicates;  ///< messages of the capture that are not among them
};

/// Everything that is said of a run when it is over.
struct Summary {
  std::string engine;
  double seconds = 0;
  bool interrupted = false;
  bool strict = false;  ///< a run that isn't good without reservations fails
  BusTotals bus;
  std::vector<WriterSummary> writers;  ///< flowgen's
  bab::DropCounters drops;
  bab::Ledger ledger;
  HeldMessages held;  ///< known before the engines sum up
  std::vector<PortSummary> ports;
  std::vector<EventSummary> events;
  std::uint64_t more_events = 0;  ///< that weren't kept
  std::string port_fault;         ///< a port that ended the run: the sentence
  std::vector<PoolSummary> pools;
  std::vector<LcoreSummary> lcores;
  std::optional<CaptureSummary> capture;
  std::string capture_fault;       ///< why not all of it is in the file
  std::optional<Latency> latency;  ///< ping's
  std::optional<ReplaySummary> replay;
  std::vector<std::string> notes;  ///< what was said while it ran: no faults of the bus

  /// What a NIC holds of `session` isn't sent: in the totals, and in the last row of the ledger,
  /// which is about that session's messages.
  void set_held_apart(const bab::wire::Session& session);
  /// `frame` of them was lost when its port was stopped.
  void lose_held(const HeldFrame& frame) { held.lose(frame, ledger); }

  [[nodiscard]] std::uint64_t leaked() const;
  /// verdict_of() says more. 0 good, or `strict` isn't asked for; 1 the bus lost, corrupted or
  /// leaked something, or the ledger doesn't balance; 3 good with reservations.
  [[nodiscard]] int exit_code() const;
  /// Why exit_code() is 1, in one sentence; empty when it isn't.
  [[nodiscard]] std::string fault() const;
};

}  // namespace testbab
