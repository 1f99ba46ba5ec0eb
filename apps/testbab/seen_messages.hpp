#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <bab/wire/moldudp64.hpp>

namespace testbab {

/// The messages that a MoldUDP64 session had, as runs of sequence numbers. Also frames that had
/// other messages under the same numbers: a frame was damaged, or a publisher began the session
/// anew.
class SeenMessages {
 public:
  /// The place of the message that had this number. Nothing: no message had it.
  [[nodiscard]] std::optional<std::size_t> find(std::uint64_t sequence) const {
    auto run = runs_.upper_bound(sequence);
    if (run == runs_.begin()) return std::nullopt;
    --run;
    const std::uint64_t behind = sequence - run->first;
    if (behind >= run->second.count) return std::nullopt;
    return run->second.place + static_cast<std::size_t>(behind);
  }
  /// Whether `is_it` is true for the place of a message that had this number in a frame that
  /// differed(). Nothing: there was no such message.
  template <class IsIt>
  [[nodiscard]] std::optional<bool> any_other(std::uint64_t sequence, const IsIt& is_it) const {
    const auto [from, to] = others_.equal_range(sequence);
    if (from == to) return std::nullopt;
    return std::any_of(from, to, [&](const auto& other) { return is_it(other.second); });
  }

  /// Adds a message, at `place`, whose number find() doesn't know.
  void add(std::uint64_t sequence, std::size_t place) {
    auto next = runs_.upper_bound(sequence);
    if (next != runs_.begin()) {
      Run& run = std::prev(next)->second;
      if (std::prev(next)->first + run.count == sequence && run.place + run.count == place) {
        ++run.count;
        return;
      }
    }
    runs_.emplace_hint(next, sequence, Run{1, place});
  }
  /// Adds a message of a frame that differed(), or that follows one. A few are kept for each
  /// number.
  void add_other(std::uint64_t sequence, std::size_t place) {
    const auto [from, to] = others_.equal_range(sequence);
    if (static_cast<std::size_t>(std::distance(from, to)) == kMaxOthers) others_.erase(from);
    others_.emplace(sequence, place);  // after those of the same number
  }

  /// A frame comes that has another message under a known number. Its last number is before `end`.
  /// True: the frame's messages are others beside the known ones. False: the frame before was of
  /// that kind, too, so that the session began anew. Then the other messages up to here are what
  /// the session had since, and what it had before is forgotten.
  bool differed(std::uint64_t end) {
    others_end_ = others_only_ ? std::max(others_end_, end) : end;
    if (!std::exchange(others_only_, true)) return true;
    runs_.clear();
    for (auto next = others_.begin(); next != others_.end() && next->first < others_end_;) {
      next = others_.upper_bound(next->first);
      const auto& [sequence, place] = *std::prev(next);
      add(sequence, place);
    }
    others_.clear();
    others_only_ = false;
    return false;
  }
  /// A frame comes that there was, or one of new numbers only: the session goes on.
  void went_on() { others_only_ = false; }

 private:
  struct Run {
    std::uint64_t count;
    std::size_t place;  ///< of the first message
  };
  std::map<std::uint64_t, Run> runs_;  // by their first number
  static constexpr std::size_t kMaxOthers = 8;
  std::multimap<std::uint64_t, std::size_t> others_;  // of each number the oldest first
  bool others_only_ = false;  // since the last frame that differed, the session didn't go on
  std::uint64_t others_end_ = 0;
};

}  // namespace testbab
