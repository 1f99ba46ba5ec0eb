#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace bab {

/// What a spawned task, with all the Tasks it awaits, keeps from one await to the next. On its lcore.
class TaskNotes {
 public:
  /// Tasks of this process so far.
  static std::uint64_t spawned() noexcept { return counter().load(std::memory_order_relaxed); }

  /// Its number, in the order in which the process's tasks were spawned: from 1 on.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  /// The position up to which this task knows what became of a writer's frames; 0: it wasn't told yet.
  /// `writer`: a number that no other writer of the process ever has, from 1 on.
  [[nodiscard]] std::uint64_t told_until(std::uint64_t writer) const noexcept {
    for (const Told& t : told_)
      if (t.writer == writer) return t.until;
    return 0;
  }
  /// Of more than 8 writers the oldest is forgotten.
  void tell(std::uint64_t writer, std::uint64_t until) noexcept {
    auto* at = std::find_if(told_.begin(), told_.end(),
                            [writer](const Told& t) { return t.writer == writer; });
    if (at == told_.end())
      at = std::min_element(told_.begin(), told_.end(),
                            [](const Told& a, const Told& b) { return a.writer < b.writer; });
    *at = {writer, until};
  }

 private:
  struct Told {
    std::uint64_t writer = 0;
    std::uint64_t until = 0;
  };
  static std::atomic<std::uint64_t>& counter() noexcept {
    static constinit std::atomic<std::uint64_t> counter{0};
    return counter;
  }

  std::uint64_t number_ = counter().fetch_add(1, std::memory_order_relaxed) + 1;
  std::array<Told, 8> told_{};
};

}  // namespace bab
