#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <bab/wire/moldudp64.hpp>

namespace testbab {

/// Which messages a MoldUDP64 session had, by runs of sequence numbers, and frames that had others under the same numbers:
/// one that came damaged, or a publisher that began anew.
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
  /// Where the last one was put that had this number in a frame that differed().
  [[nodiscard]] std::optional<std::size_t> find_other(std::uint64_t sequence) const {
    const auto at = others_.find(sequence);
    if (at == others_.end()) return std::nullopt;
    return at->second;
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
  /// One of a frame that differed().
  void add_other(std::uint64_t sequence, std::size_t place) {
    others_.insert_or_assign(sequence, place);
  }

  /// A frame comes that has another message under a number that there was. True: its messages are others beside those
  /// that there were. False: the frame before was of that kind, too, so that the session began anew with that one; what
  /// there was before is forgotten, and its messages are new ones.
  bool differed() {
    if (std::exchange(others_only_, true)) {
      runs_.clear();
      for (const auto& [sequence, place] : others_) add(sequence, place);
      others_.clear();
      others_only_ = false;
      return false;
    }
    others_.clear();
    return true;
  }
  /// A frame comes that there was.
  void repeated() { others_only_ = false; }

 private:
  struct Run {
    std::uint64_t count;
    std::size_t place;  ///< of the first
  };
  std::map<std::uint64_t, Run> runs_;  // by their first number
  std::map<std::uint64_t, std::size_t> others_;
  bool others_only_ = false;  // since the frame that they are of, none was repeated
};

}  // namespace testbab
