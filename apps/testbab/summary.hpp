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

/// What one writer did by its own count, and what went to its flusher. A shared writer counts as
/// one, whatever lcores write into it.
struct WriterSummary {
  bab::FlushedWriter flushed;
  bab::WriterStats stats;
};

/// Sums over all pollers of a run.
struct BusTotals {
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  ///< of messages, without their length prefixes
  std::uint64_t frames_in = 0, frames_out = 0;
  std::uint64_t lost = 0;          ///< messages that bab lost
  std::uint64_t corrupt = 0;       ///< messages whose payload isn't what was sent
  std::uint64_t missing = 0;       ///< sequence numbers that never came, whatever lost them
  std::uint64_t gaps = 0;          ///< places where the sequence jumped
  std::uint64_t out_of_order = 0;  ///< frames with a sequence number below the expected one
  std::uint64_t disordered = 0;    ///< those of them that are of testbab's own streams
  std::uint64_t duplicates = 0;    ///< messages that came again
  std::uint64_t streams = 0;       ///< sessions that were judged
  std::uint64_t unjudged = 0;      ///< messages of sessions beyond those that a checker can judge
  std::uint64_t restarts = 0;      ///< times that a session began again at 1
  std::uint64_t gathered = 0;  ///< frames that came split over several buffers and were gathered

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
  bool receives = true;        ///< pollers receive on it: its errors on receiving matter
  std::uint64_t taken = 0;     ///< frames that pollers took from its queues, by our count
  std::uint64_t gathered = 0;  ///< those of them that came split and were gathered into one buffer
  std::vector<std::string> captures;  ///< files that the port writes frames to
  std::uint64_t capture_missing = 0;  ///< bytes of frames that are missing in these files
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
  std::uint32_t held = 0;                    ///< buffers in the driver of a port that isn't closed
  std::vector<bab::BufferHolder> holders{};  ///< of some of the leaked buffers
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

/// What a replay had to send.
struct ReplaySummary {
  std::uint64_t messages;         ///< a round
  std::uint64_t duplicates;       ///< messages of the capture that were left out
  std::uint64_t frames = 0;       ///< of the capture
  bab::DropCounters drops{};      ///< of these frames
  std::uint64_t other_links = 0;  ///< those of them that are no Ethernet's
};

/// Everything that the end of a run reports.
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
  std::uint64_t more_events = 0;  ///< events that weren't kept
  std::string port_fault;         ///< a port that ended the run: the sentence
  std::vector<PoolSummary> pools;
  std::vector<LcoreSummary> lcores;
  std::optional<CaptureSummary> capture;
  std::string capture_fault;       ///< why a part of the capture isn't in the file
  std::optional<Latency> latency;  ///< ping's
  std::optional<ReplaySummary> replay;
  std::vector<std::string>
      notes;  ///< notes that were printed during the run; these are no faults of the bus

  /// Messages of `session` that a NIC still holds aren't sent: corrects the totals, and the last
  /// row of the ledger, which is about that session's messages.
  void set_held_apart(const bab::wire::Session& session);
  /// `frame` was held, and was lost when its port was stopped.
  void lose_held(const HeldFrame& frame) { held.lose(frame, ledger); }

  [[nodiscard]] std::uint64_t leaked() const;
  /// verdict_of() says more. 0 good, or `strict` isn't asked for; 1 the bus lost, corrupted or
  /// leaked something, or the ledger doesn't balance; 3 good with reservations.
  [[nodiscard]] int exit_code() const;
  /// Why exit_code() is 1, in one sentence; empty when it isn't.
  [[nodiscard]] std::string fault() const;
};

}  // namespace testbab
