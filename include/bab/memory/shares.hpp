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
/// | the frame itself | when the buffer is acquired | by the PMD after TX, or when it is dropped |
/// | an lcore with at least one Packet of it | at its first Packet | at its last one |
/// | a SendPacket in flight | by Packet::send | becomes the receiving lcore's |
///
/// Not rte_mbuf_refcnt_update(): at a count of 1 it is a plain load and store, and lcores that
/// change the count at the same time would lose shares.
template <class Atom = RealAtom>
struct Shares {
  /// At most this many shares: Packet::send() makes no further SendPacket. refcnt has 16 bits.
  static constexpr std::uint16_t kLimit = 0x8000;

  /// Takes k more shares. The caller already holds one, or the frame's owner holds one on its
  /// behalf. Any lcore.
  static void take(rte_mbuf* m, std::uint16_t k = 1) noexcept {
    ref(m).fetch_add(k, std::memory_order_relaxed);
  }

  /// Like take(k), but fails if more than kLimit shares would exist.
  [[nodiscard]] static bool try_take(rte_mbuf* m, std::uint16_t k = 1) noexcept {
    if (ref(m).fetch_add(k, std::memory_order_relaxed) + std::uint32_t{k} <= kLimit) [[likely]]
      return true;
    ref(m).fetch_sub(k, std::memory_order_relaxed);
    return false;
  }

  /// Gives up k of the caller's shares. True: they were the last, and the caller has to recycle the
  /// buffer. Its next user then sees every write of the former ones. Any lcore.
  [[nodiscard]] static bool give_up(rte_mbuf* m, std::uint16_t k = 1) noexcept {
    detail::tsan_comes(m);
    detail::tsan_leaves(m);
    auto count = ref(m);
    // The holder of every share is alone: nobody else can take one meanwhile.
    // A0, R0: pairs with R0, A0 of the other give_up() of this buffer.
    if (count.load(std::memory_order_acquire) == k) return true;
    return count.fetch_sub(k, std::memory_order_acq_rel) == k;
  }

  /// Shares of the buffer; a snapshot unless the caller holds all of them. A0: pairs with R0.
  [[nodiscard]] static std::uint16_t count(rte_mbuf* m) noexcept {
    return ref(m).load(std::memory_order_acquire);
  }

 private:
  static auto ref(rte_mbuf* m) noexcept {
    return typename Atom::template Ref<std::uint16_t>(m->refcnt);
  }
};

}  // namespace bab
