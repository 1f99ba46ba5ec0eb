#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "engine.hpp"
#include "engine_flowgen.hpp"
#include "engine_loop.hpp"
#include "engine_relay.hpp"
#include "engine_rxonly.hpp"
#include "engine_txonly.hpp"

namespace testbab {
namespace {

constexpr std::array kEngines{
    Engine{"loop", "send on one port, receive and check every payload on it or on a second one",
           true, true, "a port to send and receive on", 2, "TESTBAB", make_loop},
    Engine{"txonly", "generate messages and send them on every port", false, true,
           "a port to send on", 32, "TESTBAB", make_txonly},
    Engine{"rxonly", "receive on every port, verify and count", false, false,
           "a port to receive on", 32, "", make_rxonly},
    Engine{"relay", "re-pack the messages of one port into large frames on it or on a second one",
           false, false, "a port to receive on and one (or the same) to send on", 2, "BABRELAY",
           make_relay},
    Engine{"flowgen", "many writers into one session, each one's order checked by the receiver",
           true, true, "a port to send and receive on", 2, "TESTBABF", make_flowgen},
};

}  // namespace

std::span<const Engine> engines() { return kEngines; }

const Engine* find_engine(std::string_view name) {
  const auto* found = std::find_if(kEngines.begin(), kEngines.end(),
                                   [&](const Engine& e) { return e.name == name; });
  return found == kEngines.end() ? nullptr : found;
}

std::string engine_names() {
  std::string names;
  for (const Engine& e : kEngines) names += fmt::format("{}{}", names.empty() ? "" : ", ", e.name);
  return names;
}

std::string engine_help() {
  std::string help = "Engines:\n";
  for (const Engine& e : kEngines) help += fmt::format("  {:<8} {}\n", e.name, e.help);
  return help;
}

}  // namespace testbab
