#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <utility>

namespace bab {

/// What a spawned task, with all the Tasks it awaits, keeps from one await to the next. On its
/// lcore.
class TaskNotes {
 public:
  /// Tasks of this process so far.
  static std::uint64_t spawned() noexcept { return spawned_.load(std::memory_order_relaxed); }

  /// Its number, in the order in which the process's tasks were spawned: from 1 on. 0: of no task
  /// now.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  /// The position up to which this task knows what became of a writer's frames; 0: it wasn't told
  /// yet. `writer`: a number that no other writer of the process ever has, from 1 on.
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
  friend class TaskNotesSlots;

  struct Told {
    std::uint64_t writer = 0;
    std::uint64_t until = 0;
  };
  static std::atomic<std::uint64_t> spawned_;

  std::uint64_t number_ = 0;
  std::array<Told, 8> told_{};
  TaskNotes* next_ = nullptr;  // of those that are free
};

/// The notes of a task that may have ended, and another one's be in their place.
class TaskRef {
 public:
  TaskRef() noexcept = default;  // of none
  explicit TaskRef(TaskNotes& notes) noexcept : notes_(&notes), number_(notes.number()) {}
  /// Null: it has ended, or is none.
  [[nodiscard]] TaskNotes* get() const noexcept {
    return notes_ != nullptr && notes_->number() == number_ ? notes_ : nullptr;
  }

 private:
  TaskNotes* notes_ = nullptr;
  std::uint64_t number_ = 0;
};

/// The notes of an lcore's tasks. They stay where they are as long as this lives: a wait may be of
/// a task that has ended. On its lcore.
class TaskNotesSlots {
 public:
  /// Those of a new task. Allocates only where there are more tasks than ever.
  [[nodiscard]] TaskNotes& begin() {
    if (free_ == nullptr) free_ = &slots_.emplace_back();
    TaskNotes& notes = *std::exchange(free_, free_->next_);
    notes.number_ = TaskNotes::spawned_.fetch_add(1, std::memory_order_relaxed) + 1;
    return notes;
  }
  void end(TaskNotes& notes) noexcept {
    notes = {};
    notes.next_ = free_;
    free_ = &notes;
  }

 private:
  std::deque<TaskNotes> slots_;
  TaskNotes* free_ = nullptr;
};

}  // namespace bab
