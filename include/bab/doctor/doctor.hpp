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

/// One thing that the doctor looked at, and what to do about it.
struct Finding {
  enum class Level : std::uint8_t {
    kOk,
    kWarn,  ///< it works, but slower than it could, or not for everything
    kFail,  ///< what was asked for can't work like this
  };
  Level level = Level::kOk;
  std::string_view topic;  ///< what it is about: "hugepages", "nic", …; a string literal
  std::string text;        ///< what was found, without a full stop
  std::string mend;        ///< a command; empty where nothing needs mending
  /// The setting to change, if `mend` ends with that.
  Setting setting = Setting::kNone;
};

/// "OK", "WARN" or "FAIL".
std::string_view level_name(Finding::Level level);

/// The run for which the machine is examined.
struct Examination {
  /// The folder of sys/, proc/ and dev/; tests use another one than /.
  std::filesystem::path root = "/";
  /// The EAL arguments of the run: they name its lcores, devices and memory.
  std::vector<std::string> eal{};
  /// Bytes of hugepages that the run needs; 0: not known. A -m in `eal` takes precedence.
  std::uint64_t memory_bytes = 0;
  /// Bytes of the largest IP packet that ports should carry; 0: not known.
  std::uint32_t mtu = 0;
  /// Worker lcores that the run needs at least.
  std::uint32_t workers = 1;
  /// Threads that the program starts in addition to EAL's.
  std::uint32_t threads = 0;
};

/// Examines the options that EAL would get, and the machine: hugepages per NUMA node, NICs and
/// their drivers, missing PMD packages, the IOMMU, the lcores' CPUs, the user's permissions. Needs
/// no EAL and changes nothing. Never advises to take the NIC of the default route away from the
/// kernel. Any thread.
std::vector<Finding> examine(const Examination& what);

namespace detail {
/// The first FAIL of examine() on one of `topics`, in the order of `topics`: "text; mend". Empty:
/// there is none.
std::string first_failure(std::span<const std::string> eal,
                          std::span<const std::string_view> topics);

/// In a program that includes this header, Eal asks the doctor why a start failed.
inline const bool kEalAsksTheDoctor = (set_diagnose(first_failure), true);
}  // namespace detail

}  // namespace bab
