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

/// Which messages a MoldUDP64 session had, by runs of sequence numbers, and frames that had others
/// under the same numbers: one that came damaged, or a publisher that began anew.
class SeenMessages {
 public:
  /// Where a message was put that had this number; nothing: none had it.
  [[nodiscard]] std::optional<std::size_t> find(std::uint64_t sequence) const {
    auto run = runs_.upper_bound(sequence);
    if (run == runs_.begin()) return std::nullopt;
    --run;
    const std::uint64_t behind = sequence - run->first;
    if (behind >= run->second.count) return std::nullopt;
    return run->second.place + static_cast<std::size_t>(behind);
  }
  /// Whether `is_it` holds for the place of one that had this number in a frame that differed();
  /// nothing: none had it.
  template <class IsIt>
  [[nodiscard]] std::optional<bool> any_other(std::uint64_t sequence, const IsIt& is_it) const {
    const auto [from, to] = others_.equal_range(sequence);
    if (from == to) return std::nullopt;
    return std::any_of(from, to, [&](const auto& other) { return is_it(other.second); });
  }

  /// A message with a number that find() doesn't know, now at `place`.
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
  /// One of a frame that differed(), or that goes on from one. A few of each number are known.
  void add_other(std::uint64_t sequence, std::size_t place) {
    const auto [from, to] = others_.equal_range(sequence);
    if (static_cast<std::size_t>(std::distance(from, to)) == kMostOthers) others_.erase(from);
    others_.emplace(sequence, place);  // behind its equals
  }

  /// A frame comes, its last number before `end`, that has another message under a number that
  /// there was. True: its messages are others beside those that there were. False: the frame before
  /// was of that kind, too, so that the session began anew, and others up to here are what it had
  /// since; what there was before is forgotten.
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
    std::size_t place;  ///< of the first
  };
  std::map<std::uint64_t, Run> runs_;  // by their first number
  static constexpr std::size_t kMostOthers = 8;
  std::multimap<std::uint64_t, std::size_t> others_;  // of each number the oldest first
  bool others_only_ = false;  // since the last frame that differed, the session didn't go on
  std::uint64_t others_end_ = 0;
};

}  // namespace testbab
