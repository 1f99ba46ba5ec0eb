// testbab's table of engines, with two engines added.
#include <algorithm>
#include <array>

#include "engine_table.hpp"
#include "more_engines.hpp"

namespace testbab {

std::span<const Engine* const> engines() {
  static constexpr auto kAll = [] {
    std::array<const Engine*, kEngineTable.size() + 2> all{};
    *std::copy(kEngineTable.begin(), kEngineTable.end(), all.begin()) = &kTickEngine;
    all.back() = &kEndlessEngine;
    return all;
  }();
  return kAll;
}

}  // namespace testbab
