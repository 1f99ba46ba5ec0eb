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

/// What -l, --lcores or -c say; empty: none of them is given, or it is nonsense.
Lcores lcores_asked_for(std::span<const std::string> eal);

/// The same or, where none is given, what EAL makes of this thread's affinity.
Lcores lcores_of(const System& system, std::span<const std::string> eal);

unsigned main_lcore(std::span<const std::string> eal, const Lcores& lcores);

/// Why EAL would refuse these lcores, or panic: lcores of a number too high, CPUs that aren't
/// there, a main lcore that is none of them, lcores without a CPU that this process may use.
struct LcoreRefusal {
  std::string text, mend;
};
std::optional<LcoreRefusal> lcores_that_cannot_be(const System& system,
                                                  std::span<const std::string> eal);

/// EAL's argument for so many workers beside a main lcore, on these CPUs: "-l 0-2", or a main lcore
/// that shares CPUs
/// ("--lcores 0@(0-1),1@0,2@1") where there are too few; workers that share where there are fewer
/// still.
std::string lcores_argument(std::size_t workers, const std::vector<unsigned>& cpus);

}  // namespace bab::detail
