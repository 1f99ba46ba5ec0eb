#pragma once

#include "row.hpp"

namespace bench {

struct Effort {
  unsigned runs = 15;           ///< pairs A B to measure, at least 5
  double slice_seconds = 0.01;  ///< for each side of a pair
  unsigned retries = 5;         ///< new tries for a slice that the kernel interrupted
};

/// Measures a row in the order A B A B …: our side and the floor in turn, in this process.
Result measure(const RowSpec& spec, const Effort& effort);

}  // namespace bench
