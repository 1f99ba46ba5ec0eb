#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <bab/base/error.hpp>
#include <bab/detail/diagnosis.hpp>

namespace bab {

/// One thing that was looked at, and what to do about it.
struct Finding {
  enum class Level : std::uint8_t {
    kOk,
    kWarn,  ///< works, but slower than it could, or not for everything
    kFail,  ///< what was asked for can't work so
  };
  Level level = Level::kOk;
  std::string_view topic;  ///< "hugepages", "nic", …: what it is about, a literal
  std::string text;        ///< what there is, without a full stop
  std::string mend;        ///< a command; empty where nothing needs mending
  Setting setting =
      Setting::kNone;  ///< what would have to be set otherwise, where `mend` ends with that
};

/// "OK", "WARN", "FAIL".
std::string_view level_name(Finding::Level level);

/// What the machine is examined for.
struct Examination {
  /// Below it are sys/, proc/ and dev/: another one than / is for tests.
  std::filesystem::path root = "/";
  /// The EAL arguments of the run that is meant. Which lcores, devices and memory they ask for
  /// counts.
  std::vector<std::string> eal{};
  /// Bytes of hugepages that the run needs, where they are known; -m, if given, says it better.
  std::uint64_t memory_bytes = 0;
  /// The largest IP packet that ports shall carry; 0: unknown.
  std::uint32_t mtu = 0;
  /// Worker lcores that the run needs at least.
  std::uint32_t workers = 1;
  /// Threads that the program starts beside EAL's.
  std::uint32_t threads = 0;
};

/// Looks at the options that EAL would be given, and at the machine: hugepages per NUMA node, NICs
/// and their drivers, missing PMD packages, IOMMU, the lcores' CPUs, the user's permissions. Needs
/// no EAL, changes nothing, and never advises to take the NIC of the default route from the kernel.
/// Any thread.
std::vector<Finding> examine(const Examination& what);

namespace detail {
/// The first FAIL that examine() has on one of `topics`: "text; mend". Empty: there is none.
std::string first_failure(std::span<const std::string> eal,
                          std::span<const std::string_view> topics);

/// A program that includes this header has its Eal ask the doctor why a start failed.
inline const bool kEalAsksTheDoctor = (set_diagnose(first_failure), true);
}  // namespace detail

}  // namespace bab
