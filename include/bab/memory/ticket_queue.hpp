#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstdint>
#include <optional>

#include <rte_common.h>

#include <bab/base/atom.hpp>

namespace bab {

/// Who is next, among waiters on any lcore: strictly first come, first served, without a lock. A
/// waiter takes a ticket, asks each turn whether it is served, and leaves, served or not; tickets
/// left early are passed over.
template <class Atom = RealAtom, std::uint64_t kMostTickets = 1024>
class TicketQueue {
 public:
  /// Tickets out at once; more wait without one, and so behind.
  static constexpr std::uint64_t kMost = kMostTickets;

  [[nodiscard]] std::optional<std::uint64_t> try_take() noexcept {
    std::uint64_t ticket = next_.load(std::memory_order_relaxed);
    do {
      // Signed: `ticket` may be so old that it is served and gone; the exchange then says so.
      const std::uint64_t out = ticket - serving_.load(std::memory_order_acquire);
      if (static_cast<std::int64_t>(out) >= static_cast<std::int64_t>(kMost)) return std::nullopt;
    } while (!next_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed));
    return ticket;
  }

  /// Acquire pairs with leave(): what the one before did is seen.
  [[nodiscard]] bool is_served(std::uint64_t ticket) const noexcept {
    return serving_.load(std::memory_order_acquire) == ticket;
  }

  /// The holder goes, in its turn or before. Sequentially consistent: of the one who leaves early
  /// (marks, then looks who is served) and the one who serves the next (serves, then looks for a
  /// mark), at least one sees the other; the exchange lets only one go on from there. A mark names
  /// its ticket: whoever was put aside between look and exchange must not take that of a later
  /// ticket in the same slot.
  void leave(std::uint64_t ticket) noexcept {
    slot(ticket).store(mark(ticket), std::memory_order_seq_cst);
    while (true) {
      const std::uint64_t served = serving_.load(std::memory_order_seq_cst);
      std::uint64_t wanted = mark(served);
      if (!slot(served).compare_exchange_strong(wanted, kNoMark, std::memory_order_seq_cst)) return;
      serving_.store(served + 1, std::memory_order_seq_cst);
    }
  }

  /// A moment's figure: tickets out.
  [[nodiscard]] std::uint64_t size() const noexcept {
    const std::uint64_t serving = serving_.load(std::memory_order_relaxed);
    const std::uint64_t next = next_.load(std::memory_order_relaxed);
    return next > serving ? next - serving : 0;
  }

 private:
  using Word = typename Atom::template Atomic<std::uint64_t>;
  static constexpr std::uint64_t kNoMark = 0;

  static std::uint64_t mark(std::uint64_t ticket) noexcept { return ticket + 1; }
  Word& slot(std::uint64_t ticket) noexcept { return left_[ticket % kMost]; }

  alignas(RTE_CACHE_LINE_SIZE) Word next_{0};
  Word serving_{0};
  alignas(RTE_CACHE_LINE_SIZE) std::array<Word, kMost> left_{};  ///< marks of those who left
};

}  // namespace bab
