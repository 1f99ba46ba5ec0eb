#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <bab/memory/buffer_pool.hpp>

namespace testbab {

/// A buffer that stayed with its holder from one look to the next.
struct PinnedBuffer {
  std::string pool;
  std::uint32_t id;
  std::uint16_t shares;
  std::vector<unsigned> lcores;  ///< with handles; empty: a queue, a writer or a driver has it
  double seconds;                ///< since the first look that saw it; it may be older
};

/// Who holds which buffers, and for how long. A look at the pools takes nothing from them and costs
/// lcores nothing but cache misses; ages come from comparing looks: a buffer that is held at two of
/// them with the same first bytes is still with the same frame. So ages are as fine as looks are
/// apart, and too high only for frames that are all alike (net_null's).
class PinnedWatch {
 public:
  /// Main thread, as often as one likes.
  void look(const std::vector<const bab::BufferPool*>& pools);
  /// look(), where the last one is a second old: for loops.
  void look_now_and_then(const std::vector<const bab::BufferPool*>& pools);

  /// Of the last look, oldest first.
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
