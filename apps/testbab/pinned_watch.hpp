#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <bab/memory/buffer_pool.hpp>

namespace testbab {

/// A buffer that had the same holder at two looks.
struct PinnedBuffer {
  std::string pool;
  std::uint32_t id;
  std::uint16_t shares;
  std::vector<unsigned> lcores;  ///< that have handles; none: a queue, a writer or a driver has it
  double seconds;                ///< since the first look that saw it; it may be older
};

/// Who holds which buffers, and for how long. A look at the pools takes nothing from them, and
/// costs lcores only cache misses. Ages come from comparing looks: a buffer that is in use at two
/// looks with the same first bytes still has the same frame. Ages are therefore as exact as the
/// time between two looks. They are too high only where all frames are alike (net_null).
class PinnedWatch {
 public:
  /// Main thread. As often as you like.
  void look(const std::vector<const bab::BufferPool*>& pools);
  /// look(), if the last one was a second ago or more. For loops.
  void look_now_and_then(const std::vector<const bab::BufferPool*>& pools);

  /// The buffers of the last look, the oldest first.
  [[nodiscard]] std::vector<PinnedBuffer> pinned() const;
  /// Buffers that were in use at the last look, pinned or on their way.
  [[nodiscard]] std::size_t in_use() const noexcept { return seen_.size(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    std::string pool;
    bab::BufferHolder holder;
    std::uint64_t content;
    Clock::time_point since;
    unsigned looks;
  };

  std::map<const rte_mbuf*, Seen> seen_;
  Clock::time_point last_;
};

}  // namespace testbab
