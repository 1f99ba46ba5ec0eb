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

/// Decides whether a flush_wait() tells its task of a writer's dropped frames. A task is told of a
/// drop once, and only if it may have had a message in the dropped frames. A task that was spawned
/// after another task was told had no message there, with one exception: it was given a Reservation
/// in a frame that drop_pending() gave up before the frame was complete. While such a frame has yet
/// to come, and once more when it has come, what was told before doesn't count. On the writer's
/// lcore.
class DropsTold {
 public:
  /// `from`: the position of the writer's first frame, or an earlier one.
  void begin(std::uint64_t from) noexcept { begin_ = from; }

  /// True when frames before `until` were dropped and `task` has not been told of them; it counts
  /// as told now. Null: no task is known, and all drops since begin() are told each time.
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
  /// One report of a drop: the tasks spawned by then, and the position up to which frames were
  /// gone.
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

  // The oldest entry is overwritten. A task that needed it is then told of a drop although it had
  // no message in the dropped frames.
  std::array<Before, 4> before_{};
  std::uint64_t begin_ = 0;
  std::size_t last_ = 0;
  std::uint64_t late_ = 0;  // progress.late() when these entries were made
  // The writer's key in tasks' notes; a new key makes old notes void.
  std::uint64_t writer_ = next_writer();
};

}  // namespace bab
