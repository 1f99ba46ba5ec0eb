#include "arguments.hpp"

#include <algorithm>

#include <bab/base/eal.hpp>

namespace testbab {

Arguments split_arguments(int argc, char** argv) {
  std::vector<std::string> all(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto dashes = std::find(all.begin(), all.end(), "--");
  Arguments split;
  if (dashes != all.end()) {
    split.eal.assign(all.begin(), dashes);
    split.app.assign(dashes + 1, all.end());
  } else {
    split.app = std::move(all);
  }
  split.embedded = split.eal.empty();
  if (split.embedded) split.eal = bab::embedded_eal_args();
  return split;
}

}  // namespace testbab
