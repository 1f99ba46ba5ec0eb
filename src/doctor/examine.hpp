#pragma once

#include <string>
#include <vector>

#include <bab/doctor/doctor.hpp>

#include "../base/system.hpp"

namespace bab::doctor {

using detail::FileId;
using detail::FileStatus;
using detail::System;
using Findings = std::vector<Finding>;
using Level = Finding::Level;

/// The CPUs that the run's lcores may run on, with the main one's. Empty if the run leaves the
/// choice to EAL.
std::vector<unsigned> lcore_cpus(const Examination& what);

void examine_memory(const System& system, const Examination& what, Findings& findings);
void examine_hugepage_files(const System& system, const Examination& what, Findings& findings);
void examine_nics(const System& system, const Examination& what, Findings& findings);
/// `wanted`: a NIC is bound to vfio-pci, or the doctor suggests that. `asked`: such a NIC is one
/// that the run asks for.
void examine_iommu(const System& system, bool wanted, bool asked, Findings& findings);
void examine_interfaces(const System& system, const Examination& what, Findings& findings);
void examine_cpus(const System& system, const Examination& what, Findings& findings);
void examine_user(const System& system, const Examination& what, Findings& findings);
void examine_threads(const System& system, const Examination& what, Findings& findings);

}  // namespace bab::doctor
