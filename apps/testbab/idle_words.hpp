#pragma once

#include <map>
#include <string>

#include <bab/lcore/idle.hpp>

namespace testbab {

/// Every idle strategy by its name.
inline std::map<std::string, bab::IdleStrategy> idle_strategies() {
  std::map<std::string, bab::IdleStrategy> all;
  for (unsigned i = 0; !bab::idle_name(static_cast<bab::IdleStrategy>(i)).empty(); ++i) {
    const auto strategy = static_cast<bab::IdleStrategy>(i);
    all.emplace(bab::idle_name(strategy), strategy);
  }
  return all;
}

/// "spin|pause|…", in the library's order.
inline std::string idle_words() {
  std::string words;
  for (unsigned i = 0; !bab::idle_name(static_cast<bab::IdleStrategy>(i)).empty(); ++i)
    words += (i > 0 ? "|" : "") + std::string(bab::idle_name(static_cast<bab::IdleStrategy>(i)));
  return words;
}

}  // namespace testbab
