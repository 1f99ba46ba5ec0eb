#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstdint>
#include <optional>

#include <rte_common.h>

#include <bab/base/atom.hpp>

namespace bab {

/// A queue of waiters on any lcores, strictly first come, first served, without a lock. A waiter
/// takes a ticket, asks in each turn whether its ticket is served, and leaves, served or not.
/// Tickets that were left early are skipped.
template <class Atom = RealAtom, std::uint64_t kMaxTickets = 1024>
class TicketQueue {
 public:
  /// At most this many tickets are out at once. A waiter without a ticket asks again, and is behind
  /// the others until then.
  static constexpr std::uint64_t kMax = kMaxTickets;

  /// A ticket; nothing if kMax are out. Any thread.
  [[nodiscard]] std::optional<std::uint64_t> try_take() noexcept {
    std::uint64_t ticket = next_.load(std::memory_order_relaxed);
    do {
      // Signed: `ticket` may be so old that it was served and has gone; the exchange then says so.
      // A2: pairs with R2: the former use of this ticket's slot is over.
      const std::uint64_t out = ticket - serving_.load(std::memory_order_acquire);
      if (static_cast<std::int64_t>(out) >= static_cast<std::int64_t>(kMax)) return std::nullopt;
    } while (!next_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed));
    return ticket;
  }

  /// Whether it is the ticket's turn. A2: pairs with R2: the holder sees what the former holder
  /// did.
  [[nodiscard]] bool is_served(std::uint64_t ticket) const noexcept {
    return serving_.load(std::memory_order_acquire) == ticket;
  }

  /// The holder leaves, in its turn or earlier. Sequentially consistent: one lcore may leave early
  /// (it marks its ticket, then looks which one is served) while another serves the next ticket (it
  /// stores the number, then looks for a mark). At least one of the two sees the other, and the
  /// exchange lets only one of them go on. A mark names its ticket: an lcore that was interrupted
  /// between its look and its exchange must not take the mark of a later ticket in the same slot.
  void leave(std::uint64_t ticket) noexcept {
    // R3: pairs with A3: an lcore that takes the mark sees what this holder did.
    slot(ticket).store(mark(ticket), std::memory_order_seq_cst);
    while (true) {
      // A2: pairs with R2.
      const std::uint64_t served = serving_.load(std::memory_order_seq_cst);
      std::uint64_t wanted = mark(served);
      // A3: pairs with R3.
      if (!slot(served).compare_exchange_strong(wanted, kNoMark, std::memory_order_seq_cst)) return;
      // R2: pairs with A2: the next holder sees what those before it did.
      serving_.store(served + 1, std::memory_order_seq_cst);
    }
  }

  /// Tickets that are out; a snapshot.
  [[nodiscard]] std::uint64_t size() const noexcept {
    const std::uint64_t serving = serving_.load(std::memory_order_relaxed);
    const std::uint64_t next = next_.load(std::memory_order_relaxed);
    return next > serving ? next - serving : 0;
  }

 private:
  using Word = typename Atom::template Atomic<std::uint64_t>;
  static constexpr std::uint64_t kNoMark = 0;

  static std::uint64_t mark(std::uint64_t ticket) noexcept { return ticket + 1; }
  Word& slot(std::uint64_t ticket) noexcept { return left_[ticket % kMax]; }

  alignas(RTE_CACHE_LINE_SIZE) Word next_{0};
  Word serving_{0};
  alignas(RTE_CACHE_LINE_SIZE) std::array<Word, kMax> left_{};  ///< marks of left tickets
};

}  // namespace bab
