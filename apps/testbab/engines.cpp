#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "engine.hpp"
#include "engine_echo.hpp"
#include "engine_flowgen.hpp"
#include "engine_loop.hpp"
#include "engine_null.hpp"
#include "engine_ping.hpp"
#include "engine_relay.hpp"
#include "engine_replay.hpp"
#include "engine_rxonly.hpp"
#include "engine_txonly.hpp"

namespace testbab {
namespace {

constexpr std::array kEngines{
    Engine{"loop", "send on one port, receive and check every payload on it or on a second one", 1,
           true, "a port to send and receive on", 2, "TESTBAB", make_loop},
    Engine{"txonly", "generate messages and send them on every port", 0, true, "a port to send on",
           32, "TESTBAB", make_txonly},
    Engine{"rxonly", "receive on every port, verify and count", 0, false, "a port to receive on",
           32, "", make_rxonly},
    Engine{"relay", "re-pack the messages of one port into large frames on it or on a second one",
           0, false, "a port to receive on and one (or the same) to send on", 2, "BABRELAY",
           make_relay},
    Engine{"replay",
           "send the messages of a capture at their pace, at another, or as fast as they go", 0,
           false, "a port to send on", 1, "BABREPLAY", make_replay},
    Engine{"flowgen", "many writers into one session, each one's order checked by the receiver", 1,
           true, "a port to send and receive on", 2, "TESTBABF", make_flowgen},
    Engine{"echo", "send each message back to the address that its frame came from", 0, false,
           "a port to receive and answer on", 32, "BABECHO", make_echo},
    Engine{"ping", "measure round trips, at --rate, of messages that echo or a loopback returns", 2,
           true, "a port to send and receive on", 2, "BABPING", make_ping},
    Engine{"null", "receive on every port, count frames and free them unread", 0, false,
           "a port to receive on", 32, "", make_null},
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
