#pragma once

namespace bab::detail {

/// A Bus as its publications and subscriptions see it that are turned by hand.
class BusHand {
 public:
  /// Outside of any Lcore's turn, on the thread that made the Bus: turns it once, by the CPU's
  /// clock. `flushing`: frames that were written by hand and aren't full go first. False, and
  /// nothing is done: elsewhere.
  virtual bool turn_by_hand(bool flushing) noexcept = 0;

 protected:
  ~BusHand() = default;
};

}  // namespace bab::detail
