#pragma once

#include <bab/detail/build.hpp>

#include <string>
#include <vector>

namespace bab {

/// What runs on which lcore, and why there.
struct Placement {
  struct Row {
    unsigned lcore;    ///< the thread's that made the Bus, where `by_hand`
    bool by_hand;      ///< it runs when that thread turns the bus
    std::string what;  ///< "writer of session HELLO to 239.1.1.1:30001, port 0"
    std::string why;   ///< "asked for", "fewest pollers (0) of the workers 1, 2"
  };
  std::vector<Row> rows;  ///< by lcore, those by hand first

  /// A line for each row.
  [[nodiscard]] std::string text() const;
};

}  // namespace bab
