#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <bab/base/ledger.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/wire/moldudp64.hpp>

namespace testbab {

/// A term of the ledger: what a driver has and its NIC hasn't sent, or nobody has taken.
inline constexpr const char* kHeldTerm = "held by the NIC";

/// A frame that a driver took and its NIC has not sent.
struct HeldFrame {
  bab::wire::Session session;
  std::uint64_t sequence;         ///< of its first message
  std::uint64_t messages, bytes;  ///< of messages, without their length prefixes
};

/// The last `frames` frames that a driver was given of `pool`'s buffers, the newest first; fewer
/// where it has no more. Nothing was noted when they were sent: their own headers tell. Of several
/// sessions each's last ones, in turn, since the headers don't say which of two sessions was sent
/// first. When no lcore runs.
std::vector<HeldFrame> held_frames(const bab::BufferPool& pool, std::uint64_t frames);

/// What a driver has of `pool` now is never again among held_frames(). When no lcore runs.
void forget_held_frames(const bab::BufferPool& pool);

/// Messages in frames that drivers took and NICs had not sent when a run ended: they are not sent,
/// but may go yet.
class HeldMessages {
 public:
  struct Sum {
    std::uint64_t frames = 0, messages = 0, bytes = 0;
  };

  void add(const HeldFrame& frame);
  [[nodiscard]] Sum of(const bab::wire::Session& session) const;
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }

  /// Row `row` is about `session`: its term "sent" says what its queue was given. Moves what is
  /// held out of that.
  void set_apart(const bab::wire::Session& session, bab::Ledger& ledger, std::size_t row);
  /// `frame` is one of them, and was lost when its port was stopped.
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
