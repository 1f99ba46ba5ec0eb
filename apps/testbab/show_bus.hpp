#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "workbench.hpp"

namespace testbab {

/// The same figures for people (text) and for programs (JSON).
struct View {
  std::string text;
  nlohmann::ordered_json json;
};

// These may be called at any time, if nothing else is said.
View bus_stats(Workbench& workbench);
View bus_ledger(
    Workbench& workbench);  ///< of the last run that stopped; throws bab::Error when none has
View bus_pools(Workbench& workbench);
View bus_writers(Workbench& workbench);
View bus_lcores(Workbench& workbench);
View bus_latency(Workbench& workbench);  ///< throws bab::Error when no engine measured it
View pinned(Workbench& workbench);
View fwd_stats(Workbench& workbench);
View config_fwd(Workbench& workbench);
View config_rxtx(Workbench& workbench);
View config_cores(Workbench& workbench);

}  // namespace testbab
