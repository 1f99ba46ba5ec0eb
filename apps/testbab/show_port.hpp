#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "workbench.hpp"

namespace testbab {

/// The same figures of a port for people (testpmd's form) and for programs (JSON).
struct PortView {
  std::string text;
  nlohmann::ordered_json json;
};

// These are about port i, and may be called at any time.
PortView port_info(Workbench& workbench, std::size_t i);
PortView port_stats(Workbench& workbench, std::size_t i);  ///< rates since the last look
PortView port_xstats(Workbench& workbench, std::size_t i);
std::string port_summary_head(std::size_t ports);
PortView port_summary(Workbench& workbench, std::size_t i);

void clear_port_stats(Workbench& workbench, std::size_t i);
void clear_port_xstats(Workbench& workbench, std::size_t i);

}  // namespace testbab
