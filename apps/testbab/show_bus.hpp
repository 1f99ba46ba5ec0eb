#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "session.hpp"

namespace testbab {

/// The same figures for people (text) and for programs (JSON).
struct View {
  std::string text;
  nlohmann::ordered_json json;
};

// These may be called at any time, if nothing else is said.
View bus_stats(Session& session);
View bus_ledger(
    Session& session);  ///< of the last run that stopped; throws bab::Error when none has
View bus_pools(Session& session);
View bus_writers(Session& session);
View bus_lcores(Session& session);
View bus_latency(Session& session);  ///< throws bab::Error when no engine measured it
View pinned(Session& session);
View fwd_stats(Session& session);
View config_fwd(Session& session);
View config_rxtx(Session& session);
View config_cores(Session& session);

}  // namespace testbab
