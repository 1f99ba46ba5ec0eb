#include <algorithm>

#include <fmt/format.h>

#include "engine.hpp"

namespace testbab {

const Engine* find_engine(std::string_view name) {
  const auto all = engines();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Engine* e) { return e->name == name; });
  return found == all.end() ? nullptr : *found;
}

std::string engine_names() {
  std::string names;
  for (const Engine* e : engines())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", e->name);
  return names;
}

std::string engine_help() {
  std::string help = "Engines:\n";
  for (const Engine* e : engines()) help += fmt::format("  {:<8} {}\n", e->name, e->help);
  return help;
}

}  // namespace testbab
