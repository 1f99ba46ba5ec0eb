#pragma once

#include <bab/detail/build.hpp>

#include <atomic>
#include <cstdint>

#include <rte_mbuf.h>

#include <bab/base/atom.hpp>
#include <bab/detail/sanitizers.hpp>

namespace bab {

/// Operations on a buffer's shares, kept in `mbuf->refcnt`. A share belongs to:
///
/// | owner | taken | given up |
/// |---|---|---|
/// | the frame itself | when the buffer is acquired | by the PMD after TX, or by whoever drops it |
/// | an lcore with at least one Packet of it | at its first Packet | at its last one |
/// | a SendPacket in flight | by Packet::send | becomes the receiving lcore's |
///
/// These and not rte_mbuf_refcnt_update: at a count of 1 that one is a plain load and store, and
/// two lcores that hold what they believe are separate shares lose some of them.
template <class Atom = RealAtom>
struct Shares {
  /// Above this no further SendPacket is made: refcnt has 16 bits.
  static constexpr std::uint16_t kLimit = 0x8000;

  /// The caller already holds a share, or the frame's owner does on its behalf. Any lcore.
  static void take(rte_mbuf* m, std::uint16_t k = 1) noexcept {
    ref(m).fetch_add(k, std::memory_order_relaxed);
  }

  /// Like take(k), but fails when that would make more than kLimit shares.
  [[nodiscard]] static bool try_take(rte_mbuf* m, std::uint16_t k = 1) noexcept {
    if (ref(m).fetch_add(k, std::memory_order_relaxed) + std::uint32_t{k} <= kLimit) [[likely]]
      return true;
    ref(m).fetch_sub(k, std::memory_order_relaxed);
    return false;
  }

  /// Gives up k of the caller's shares; true when they were the last, and the buffer is the
  /// caller's to recycle. The release of each give_up pairs with the acquire of the one that
  /// finds the count used up, so that the next user sees no late write of the former ones.
  [[nodiscard]] static bool give_up(rte_mbuf* m, std::uint16_t k = 1) noexcept {
    detail::tsan_comes(m);
    detail::tsan_leaves(m);
    auto count = ref(m);
    // Whoever holds every share is alone: nobody else could take one meanwhile.
    if (count.load(std::memory_order_acquire) == k) return true;
    return count.fetch_sub(k, std::memory_order_acq_rel) == k;
  }

  /// A moment's figure unless the caller holds every share.
  [[nodiscard]] static std::uint16_t count(rte_mbuf* m) noexcept {
    return ref(m).load(std::memory_order_acquire);
  }

 private:
  static auto ref(rte_mbuf* m) noexcept {
    return typename Atom::template Ref<std::uint16_t>(m->refcnt);
  }
};

}  // namespace bab
