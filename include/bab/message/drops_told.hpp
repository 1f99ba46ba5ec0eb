#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <bab/lcore/task_notes.hpp>

namespace bab {

/// Which of a writer's dropped frames a wait has to tell its task of: those that it may have had a message in and was
/// not told of before. A task that was spawned after a drop was told of had none there. On the writer's lcore.
class DropsTold {
 public:
  /// `from`: the position of the writer's first frame, or one before it.
  void begin(std::uint64_t from) noexcept { begin_ = from; }

  /// Whether a frame before `until` was dropped that `task` (null: none that is known) wasn't told of; now it is.
  template <class Progress>
  [[nodiscard]] bool tell(const Progress& progress, std::uint64_t until, TaskNotes* task) noexcept {
    if (!progress.has_dropped(known_to(task), until)) return false;
    if (before_[last_].until < until) {
      last_ = (last_ + 1) % before_.size();
      before_[last_] = {TaskNotes::spawned(), until};
    }
    if (task != nullptr) task->tell(writer_, until);
    return true;
  }

 private:
  /// When a drop was told of: tasks that were spawned by then, and what was gone.
  struct Before {
    std::uint64_t spawned = 0;
    std::uint64_t until = 0;
  };
  static std::uint64_t next_writer() noexcept {
    static constinit std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  [[nodiscard]] std::uint64_t known_to(const TaskNotes* task) const noexcept {
    if (task == nullptr) return std::max(begin_, before_[last_].until);
    std::uint64_t known = std::max(begin_, task->told_until(writer_));
    for (const Before& b : before_)
      if (b.spawned < task->number()) known = std::max(known, b.until);
    return known;
  }

  // The oldest is forgotten: tasks that it would matter to are then told of a drop they had no part in.
  std::array<Before, 4> before_{};
  std::uint64_t begin_ = 0;
  std::size_t last_ = 0;
  std::uint64_t writer_ = next_writer();
};

}  // namespace bab
