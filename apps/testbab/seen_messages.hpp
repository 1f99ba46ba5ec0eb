#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>

#include <bab/wire/moldudp64.hpp>

namespace testbab {

/// Which messages of MoldUDP64 sessions there were, by runs of sequence numbers.
class SeenMessages {
 public:
  /// Where the message was put that had this number; nothing: none had it.
  [[nodiscard]] std::optional<std::size_t> find(const bab::wire::Session& session,
                                                std::uint64_t sequence) const {
    const auto runs = sessions_.find(session);
    if (runs == sessions_.end()) return std::nullopt;
    auto run = runs->second.upper_bound(sequence);
    if (run == runs->second.begin()) return std::nullopt;
    --run;
    const std::uint64_t behind = sequence - run->first;
    if (behind >= run->second.count) return std::nullopt;
    return run->second.place + static_cast<std::size_t>(behind);
  }

  /// One that find() didn't know, now at `place`.
  void add(const bab::wire::Session& session, std::uint64_t sequence, std::size_t place) {
    Runs& runs = sessions_[session];
    auto next = runs.upper_bound(sequence);
    if (next != runs.begin()) {
      Run& run = std::prev(next)->second;
      if (std::prev(next)->first + run.count == sequence && run.place + run.count == place) {
        ++run.count;
        return;
      }
    }
    runs.emplace_hint(next, sequence, Run{1, place});
  }

  /// The session began anew.
  void forget(const bab::wire::Session& session) { sessions_.erase(session); }

 private:
  struct Run {
    std::uint64_t count;
    std::size_t place;  ///< of the first
  };
  using Runs = std::map<std::uint64_t, Run>;  // by their first number
  std::map<bab::wire::Session, Runs> sessions_;
};

}  // namespace testbab
