#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <utility>

namespace bab {

/// What a spawned task keeps from one await to the next, for itself and all the Tasks that it
/// awaits. Only on its lcore.
class TaskNotes {
 public:
  /// How many tasks this process has spawned so far. Any thread.
  static std::uint64_t spawned() noexcept { return spawned_.load(std::memory_order_relaxed); }

  /// The task's number, in the order in which the process spawned its tasks, from 1. 0: these notes
  /// belong to no task now.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  /// The position in a writer's frames up to which this task was told what became of them. 0: it
  /// was told nothing yet. `writer`: the writer's number, from 1; no other writer of the process
  /// ever has it.
  [[nodiscard]] std::uint64_t told_until(std::uint64_t writer) const noexcept {
    for (const Told& t : told_)
      if (t.writer == writer) return t.until;
    return 0;
  }
  /// Notes such a position. Keeps those of 8 writers; a ninth writer takes the place of the oldest.
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
  TaskNotes* next_ = nullptr;  // the next free one
};

/// Refers to the notes of a task, which may have ended, and whose notes another task may have by
/// now.
class TaskRef {
 public:
  TaskRef() noexcept = default;  // refers to no task
  explicit TaskRef(TaskNotes& notes) noexcept : notes_(&notes), number_(notes.number()) {}
  /// Null: the task has ended, or there is none.
  [[nodiscard]] TaskNotes* get() const noexcept {
    return notes_ != nullptr && notes_->number() == number_ ? notes_ : nullptr;
  }

 private:
  TaskNotes* notes_ = nullptr;
  std::uint64_t number_ = 0;
};

/// The notes of an lcore's tasks. Notes stay where they are as long as this object lives: a wait
/// may belong to a task that has ended. Only on its lcore.
class TaskNotesSlots {
 public:
  /// Notes for a new task. Allocates only if there are more tasks than ever before.
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
