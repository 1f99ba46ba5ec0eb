#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <atomic>
#include <cstdint>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

namespace bab {

/// The caches that lcores have of one pool: which are open, how much they may keep, and whether
/// somebody found no buffer while they may have some.
///
/// A cache is open while its lcore turns a loop, as BufferPool::relieve() once per turn says.
/// Elsewhere (a loop that ended, a thread of a host's, an lcore that only sleeps) buffers come from
/// where all lcores find them and go back there, whoever takes or frees them: a driver, too, since
/// it is the mempool's own cache that is closed. So no buffer is ever kept where nobody turns.
///
/// | | takes | gives back | at each turn's end |
/// |---|---|---|---|
/// | closed | what is asked for | to all | - |
/// | open | up to size() more | keeps up to most() | - |
/// | open, somebody found none | what is asked for | keeps up to most() | all goes back |
///
/// The last state ends when nobody has found none for kQuietTurns turns and kQuietSeconds. Whoever
/// keeps asking, at least once a second, therefore finds a buffer that is free at the latest when
/// each of the other lcores has turned twice.
class LcoreCaches {
 public:
  /// Beside an lcore that takes and gives back all the time, one that asks more seldom may always
  /// find the caches filled up again; and turns alone are no measure, since an lcore without work
  /// has some in a microsecond. While it lasts a buffer costs some 10 ns more (pool_acquire_release
  /// with and without a cache).
  static constexpr std::uint32_t kQuietTurns = 65'536;
  static constexpr std::uint64_t kQuietSeconds = 1;

  /// Caches of `asked` buffers, or of as many that those of `lcores` lcores hold no more than a
  /// quarter of `buffers` together.
  LcoreCaches(std::uint32_t asked, std::uint32_t buffers, unsigned lcores) noexcept;

  /// What an open cache is filled up to from where all lcores find buffers.
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  /// The most that an open cache ever keeps.
  [[nodiscard]] std::uint32_t most() const noexcept { return most_; }

  /// Closes the caches of a mempool that nobody uses yet.
  static void close_all(rte_mempool& mempool) noexcept;

  /// The calling thread, whose lcore id is `lcore` if it has one, found no buffer. Any thread.
  void announce(unsigned lcore) noexcept {
    const std::uint32_t before = needs_.fetch_add(1, std::memory_order_relaxed);
    // What others keep is asked for. Its own cache is empty, and goes on being filled up.
    if (lcore < RTE_MAX_LCORE && states_[lcore].seen == before) states_[lcore].seen = before + 1;
  }
  /// Whoever found none has some by now: a cache that is opened is filled up at once. When nobody
  /// announces.
  void forget_needs() noexcept {
    met_.store(needs_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

  /// A turn of the calling lcore ends, whose id is `lcore`. `awaited`: somebody stands in the
  /// pool's line. True: nothing is left to do in turns to come, until somebody announces a need.
  [[nodiscard]] bool turned(rte_mempool& mempool, unsigned lcore, bool awaited,
                            std::uint64_t now_tsc) noexcept;

  /// Whether other lcores than the calling one, whose id is `lcore`, have open caches. Any thread.
  [[nodiscard]] bool others_may_keep(unsigned lcore) const noexcept {
    const bool own = lcore < RTE_MAX_LCORE && states_[lcore].open;
    return open_.load(std::memory_order_relaxed) > (own ? 1U : 0U);
  }

  /// The calling lcore, whose id is `lcore`, turns no more: what its cache has goes back, and it
  /// keeps nothing until it turns again.
  void close(rte_mempool& mempool, unsigned lcore) noexcept;

 private:
  /// An lcore's own, and written by that one only.
  struct alignas(RTE_CACHE_LINE_SIZE) State {
    bool open = false;
    std::uint32_t seen = 0;   // of needs_
    std::uint32_t quiet = 0;  // turns since the last need, if the cache isn't filled up for now
    std::uint64_t needed_tsc = 0;  // when that was
  };

  [[nodiscard]] bool take_place() noexcept;

  std::uint32_t most_;
  std::uint32_t size_;
  std::uint32_t places_;
  std::atomic<std::uint32_t> open_{0};
  alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint32_t> needs_{0};  // so far, modulo 2^32
  std::atomic<std::uint32_t> met_{0};                                 // of needs_: long ago
  std::array<State, RTE_MAX_LCORE> states_{};
};

}  // namespace bab
