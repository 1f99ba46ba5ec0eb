#pragma once

#include <string>
#include <vector>

namespace testbab {

/// A command line, split as DPDK programs do.
struct Arguments {
  std::vector<std::string> eal;
  std::vector<std::string> app;
  bool embedded;  ///< no EAL arguments were given: the embedded default applies
};

/// Without `--`, all are application arguments; with it and nothing before it, the same.
Arguments split_arguments(int argc, char** argv);

}  // namespace testbab
