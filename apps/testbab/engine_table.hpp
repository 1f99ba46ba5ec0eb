#pragma once

#include <array>

#include "engine.hpp"

namespace testbab {

// Each in a file of its own: engine_loop.cpp and so on.
extern const Engine kLoopEngine;
extern const Engine kTxOnlyEngine;
extern const Engine kRxOnlyEngine;
extern const Engine kRelayEngine;
extern const Engine kReplayEngine;
extern const Engine kFlowgenEngine;
extern const Engine kEchoEngine;
extern const Engine kPingEngine;
extern const Engine kNullEngine;

/// The table of engines. A new one is added above and here, and to the list in meson.build.
inline constexpr std::array kEngineTable{
    &kLoopEngine,    &kTxOnlyEngine, &kRxOnlyEngine, &kRelayEngine, &kReplayEngine,
    &kFlowgenEngine, &kEchoEngine,   &kPingEngine,   &kNullEngine,
};

}  // namespace testbab
