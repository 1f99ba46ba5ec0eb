#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace bab {

/// A worker lcore, and how many pollers it has already.
struct LcoreLoad {
  unsigned lcore;
  std::size_t pollers = 0;
};

/// The lcore that a poller is placed on.
struct Placed {
  unsigned lcore;
  std::string why;  ///< "fewest pollers (0) of lcores 1, 2"
};

/// Places `pollers` more pollers, in their order, on those of `lcores` that have the fewest now.
/// They are spread evenly over these lcores, in the order in which the lcores are given. Where
/// there are fewer lcores than pollers, pollers that are next to each other share an lcore. Returns
/// an entry for each poller; none where there is no lcore. Any thread; needs no EAL.
std::vector<Placed> plan_placement(std::span<const LcoreLoad> lcores, std::size_t pollers);

/// What runs on which lcore, and why there.
struct Placement {
  struct Row {
    unsigned lcore;    ///< where `by_hand` is true: the lcore of the thread that made the Bus
    bool by_hand;      ///< it runs when that thread turns the bus
    std::string what;  ///< "writer of session HELLO to 239.1.1.1:30001, port 0"
    std::string why;   ///< "asked for", "fewest pollers (0) of lcores 1, 2"
  };
  std::vector<Row> rows;  ///< by lcore; those by hand are first

  /// A line for each row.
  [[nodiscard]] std::string text() const;
};

}  // namespace bab
