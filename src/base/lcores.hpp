#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "system.hpp"

namespace bab::detail {

using Lcores = std::map<unsigned, std::vector<unsigned>>;  ///< lcore to its CPUs

/// The lcores that -l, --lcores or -c ask for. Empty: none of them is given, or its value is
/// nonsense.
Lcores lcores_asked_for(std::span<const std::string> eal);

/// The same or, if none is given, the lcores that EAL makes from this thread's affinity.
Lcores lcores_of(const System& system, std::span<const std::string> eal);

unsigned main_lcore(std::span<const std::string> eal, const Lcores& lcores);

/// Why EAL would refuse these lcores or panic: an lcore number is too high, a CPU doesn't exist or
/// is offline, the main lcore is not among them, or this process may use no CPU of an lcore.
struct LcoreRefusal {
  std::string text, mend;
};
std::optional<LcoreRefusal> lcores_that_cannot_be(const System& system,
                                                  std::span<const std::string> eal);

/// EAL's argument for `workers` lcores beside a main lcore, on these CPUs: "-l 0-2". If the CPUs
/// are too few, the main lcore shares the workers' ("--lcores 0@(0-1),1@0,2@1"); if they are fewer
/// still, workers share CPUs, too.
std::string lcores_argument(std::size_t workers, const std::vector<unsigned>& cpus);

}  // namespace bab::detail
