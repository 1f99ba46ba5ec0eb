#include "command.hpp"

namespace testbab {

std::span<const Command> commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> joined;
    for (const auto part :
         {run_commands(), port_commands(), show_commands(), set_commands(), capture_commands()})
      joined.insert(joined.end(), part.begin(), part.end());
    return joined;
  }();
  return all;
}

}  // namespace testbab
