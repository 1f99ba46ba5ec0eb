#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "explorer.hpp"

namespace bab::test::model {

/// What one waiter does, a letter for each ticket.
/// w: waits for its turn and leaves.
/// e: leaves early.
/// l: looks once whether it is served, then leaves.
using TicketPlan = std::vector<std::string_view>;

/// Waiters on a queue. One waiter at a time is served, in the order of tickets, and sees what the
/// one before did. No waiter waits for ever. No ticket is refused while some are left. At the end
/// the queue is as at its start.
template <class Queue>
class Waiters {
 public:
  explicit Waiters(const TicketPlan& plan) : plan_(plan) {}

  void thread(unsigned i) {
    for (const char what : plan_[i]) {
      const std::uint64_t ticket = take();
      bool served = false;
      do {
        served = queue_.is_served(ticket);
        if (!served && what == 'w') Machine::wait_for_change();
      } while (!served && what == 'w');
      if (served && what != 'e') hold(ticket);
      queue_.leave(ticket);
    }
  }

  std::optional<std::string> check() {
    if (queue_.size() != 0) return "tickets are out after all have left";
    for (std::uint64_t i = 0; i < Queue::kMax + 1; ++i) {
      const auto ticket = queue_.try_take();
      if (!ticket) return "no ticket for the next";
      if (!queue_.is_served(*ticket)) return "the next is not served";
      queue_.leave(*ticket);
    }
    return std::nullopt;
  }

 private:
  std::uint64_t take() {
    while (true) {
      ++begun_;
      const auto ticket = queue_.try_take();
      if (ticket) {
        if (!tickets_.insert(*ticket).second) Machine::fail("a ticket was given twice");
        return *ticket;
      }
      if (begun_ <= Queue::kMax) Machine::fail("a ticket was refused while there were some");
      --begun_;
      Machine::wait_for_change();
    }
  }

  void hold(std::uint64_t ticket) {
    if (inside_) Machine::fail("two are served at once");
    if (last_ && ticket <= *last_) Machine::fail("served out of turn");
    inside_ = true;
    last_ = ticket;
    ++guarded_;
    Machine::point();
    inside_ = false;
  }

  const TicketPlan& plan_;
  Queue queue_;
  std::set<std::uint64_t> tickets_;
  std::uint64_t begun_ = 0;  // tickets in use, and attempts to get one
  bool inside_ = false;
  std::optional<std::uint64_t> last_;
  std::uint64_t guarded_ = 0;  // only the waiter that is served changes it
  Memory::Watched watched_{&guarded_, sizeof guarded_};
};

inline std::string named(const TicketPlan& plan) {
  std::string name;
  for (std::string_view each : plan) {
    if (!name.empty()) name += ' ';
    name += each;
  }
  return name;
}

template <class Queue>
Exploration explore_tickets(const TicketPlan& plan, const Bounds& bounds) {
  return explore(static_cast<unsigned>(plan.size()), scenario<Waiters<Queue>>(plan), bounds);
}

template <class Queue>
Exploration explore_tickets_at_random(const TicketPlan& plan, std::uint64_t runs,
                                      std::uint64_t seed, unsigned weak = 0) {
  return explore_at_random(static_cast<unsigned>(plan.size()), scenario<Waiters<Queue>>(plan), runs,
                           seed, weak);
}

}  // namespace bab::test::model
