#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <bab/lcore/task_notes.hpp>

namespace bab {

/// Which of a writer's dropped frames a wait has to tell its task of: those that it may have had a
/// message in and was not told of before. A task that was spawned after a drop was told of had none
/// there; unless somebody gave it a Reservation in a frame that was given up before it was
/// complete. So while there is such a frame, and once more when it has come, what was told doesn't
/// count. On the writer's lcore.
class DropsTold {
 public:
  /// `from`: the position of the writer's first frame, or one before it.
  void begin(std::uint64_t from) noexcept { begin_ = from; }

  /// Whether a frame before `until` was dropped that `task` wasn't told of; now it is. Null: none
  /// that is known, and so told of all since begin(), each time.
  template <class Progress>
  [[nodiscard]] bool tell(const Progress& progress, std::uint64_t until, TaskNotes* task) noexcept {
    const std::optional<std::uint64_t> late = progress.late();
    if (!late) return progress.has_dropped(begin_, until);
    if (*late != late_) {
      late_ = *late;
      before_ = {};
      writer_ = next_writer();
    }
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
    return writers_.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  [[nodiscard]] std::uint64_t known_to(const TaskNotes* task) const noexcept {
    if (task == nullptr) return begin_;
    std::uint64_t known = std::max(begin_, task->told_until(writer_));
    for (const Before& b : before_)
      if (b.spawned < task->number()) known = std::max(known, b.until);
    return known;
  }

  static std::atomic<std::uint64_t> writers_;

  // The oldest is forgotten: tasks that it would matter to are then told of a drop they had no part
  // in.
  std::array<Before, 4> before_{};
  std::uint64_t begin_ = 0;
  std::size_t last_ = 0;
  std::uint64_t late_ = 0;                // frames that had come late when these were told
  std::uint64_t writer_ = next_writer();  // another one when tasks' notes don't count any more
};

}  // namespace bab
