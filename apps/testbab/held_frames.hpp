#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <bab/base/ledger.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/wire/moldudp64.hpp>

namespace testbab {

/// A term of the ledger: frames that a driver has. Its NIC hasn't sent them, or nobody took them.
inline constexpr const char* kHeldTerm = "held by the NIC";

/// A frame that a driver took and its NIC has not sent.
struct HeldFrame {
  bab::wire::Session session;
  std::uint64_t sequence;         ///< of its first message
  std::uint64_t messages, bytes;  ///< of messages, without their length prefixes
};

/// The last `frames` frames of `pool` that a driver was given, the newest first; fewer if it has
/// fewer. Nothing was noted when they were sent: their headers tell. Of several sessions, the last
/// frames of each, in turn, because headers don't say which session was sent first. Only when no
/// lcore runs.
std::vector<HeldFrame> held_frames(const bab::BufferPool& pool, std::uint64_t frames);

/// held_frames() leaves out, from now on, what a driver has of `pool` now. Only when no lcore runs.
void forget_held_frames(const bab::BufferPool& pool);

/// Messages in frames that drivers took and NICs had not sent when a run ended. They don't count as
/// sent, but may still go.
class HeldMessages {
 public:
  struct Sum {
    std::uint64_t frames = 0, messages = 0, bytes = 0;
  };

  void add(const HeldFrame& frame);
  [[nodiscard]] Sum of(const bab::wire::Session& session) const;
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }

  /// Row `row` is about `session`. Its term "sent" is what the queue was given; what is held is
  /// moved out of this term.
  void set_apart(const bab::wire::Session& session, bab::Ledger& ledger, std::size_t row);
  /// `frame` is one of the held frames. It was lost when its port was stopped.
  void lose(const HeldFrame& frame, bab::Ledger& ledger) const;

 private:
  struct Entry {
    Sum sum;
    std::size_t row = 0;
    bool has_row = false;
  };
  std::map<bab::wire::Session, Entry> sessions_;
  std::uint64_t messages_ = 0;
};

}  // namespace testbab
