#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <atomic>
#include <cstdint>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

namespace bab {

/// The caches that lcores have of one pool: which ones are open, how much they may keep, and
/// whether somebody found no buffer while they may hold some.
///
/// A cache is open while its lcore turns a loop, which BufferPool::relieve() says once per turn.
/// Elsewhere (after a loop's end, on a host's thread, on an lcore that only sleeps) buffers come
/// from the part that all lcores share and go back there, for drivers, too: the mempool's own cache
/// is closed. Therefore no buffer is ever kept where no loop turns.
///
/// | | takes | gives back | at each turn's end |
/// |---|---|---|---|
/// | closed | what is asked for | to the shared part | - |
/// | open | up to size() more | keeps up to most() | - |
/// | open, somebody found none | what is asked for | keeps up to most() | everything goes back |
///
/// The last state ends when nobody has found none for kQuietTurns turns and kQuietSeconds. A thread
/// that keeps asking, at least once a second, therefore finds a free buffer at the latest when each
/// of the other lcores has turned twice.
class LcoreCaches {
 public:
  /// How long the last state lasts. If it were shorter, an lcore that asks seldom might find the
  /// caches filled up again each time, beside an lcore that takes and gives back all the time.
  /// Turns alone are no measure: an lcore without work makes several in a microsecond. While the
  /// state lasts, a buffer costs some 10 ns more (pool_acquire_release with and without a cache).
  static constexpr std::uint32_t kQuietTurns = 65'536;
  static constexpr std::uint64_t kQuietSeconds = 1;

  /// Caches of `asked` buffers each, or of fewer: those of `lcores` lcores together hold at most a
  /// quarter of `buffers`.
  LcoreCaches(std::uint32_t asked, std::uint32_t buffers, unsigned lcores) noexcept;

  /// An open cache is filled up to this many buffers, from the part that all lcores share.
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  /// The most that an open cache ever keeps.
  [[nodiscard]] std::uint32_t most() const noexcept { return most_; }

  /// Closes the caches of a mempool that nobody uses yet.
  static void close_all(rte_mempool& mempool) noexcept;

  /// The calling thread found no buffer. `lcore`: its lcore id, or LCORE_ID_ANY. Any thread.
  void announce(unsigned lcore) noexcept {
    const std::uint32_t before = needs_.fetch_add(1, std::memory_order_relaxed);
    // Others have to give back what they keep. This lcore's own cache is empty; it is filled up as
    // before.
    if (lcore < RTE_MAX_LCORE && states_[lcore].seen == before) states_[lcore].seen = before + 1;
  }
  /// All needs were met: a cache that is opened next is filled up at once. Only while nobody
  /// announces.
  void forget_needs() noexcept {
    met_.store(needs_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

  /// A turn of the calling lcore, whose id is `lcore`, ends. `awaited`: somebody waits in the
  /// pool's line. True: later turns have nothing to do until somebody announces a need.
  [[nodiscard]] bool turned(rte_mempool& mempool, unsigned lcore, bool awaited,
                            std::uint64_t now_tsc) noexcept;

  /// Whether lcores other than the calling one, whose id is `lcore`, have open caches. Any thread.
  [[nodiscard]] bool others_may_keep(unsigned lcore) const noexcept {
    const bool own = lcore < RTE_MAX_LCORE && states_[lcore].open;
    return open_.load(std::memory_order_relaxed) > (own ? 1U : 0U);
  }

  /// The calling lcore, whose id is `lcore`, turns no more: its cache is emptied, and keeps nothing
  /// until the lcore turns again.
  void close(rte_mempool& mempool, unsigned lcore) noexcept;

 private:
  /// One lcore's state, which only that lcore writes.
  struct alignas(RTE_CACHE_LINE_SIZE) State {
    bool open = false;
    std::uint32_t seen = 0;        // the value of needs_ that it has seen
    std::uint32_t quiet = 0;       // turns since the last need, while the cache isn't filled up
    std::uint64_t needed_tsc = 0;  // when the last need was
  };

  [[nodiscard]] bool take_place() noexcept;

  std::uint32_t most_;
  std::uint32_t size_;
  std::uint32_t places_;
  std::atomic<std::uint32_t> open_{0};
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint32_t> needs_{
      0};                              // how many so far, modulo 2^32
  std::atomic<std::uint32_t> met_{0};  // the value of needs_ up to which all were met
  std::array<State, RTE_MAX_LCORE> states_{};
};

}  // namespace bab
