#pragma once

#include "row.hpp"

namespace bench {

struct Effort {
  unsigned runs = 15;           ///< A B pairs, at least 5
  double slice_seconds = 0.01;  ///< of each side of a pair
  unsigned retries = 5;         ///< of a slice that the kernel interrupted
};

/// Measures a row A B A B …, ours and the floor in turn, in this process.
Result measure(const RowSpec& spec, const Effort& effort);

}  // namespace bench
