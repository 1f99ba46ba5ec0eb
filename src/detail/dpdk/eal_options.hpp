#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <rte_version.h>

namespace bab::detail::dpdk {

enum class Takes : std::uint8_t { kNothing, kValue, kMaybe };  ///< kMaybe: --name or --name=value

/// An option of EAL on Linux.
struct EalOption {
  std::string_view name;  ///< with its dashes; empty: it has only a letter
  char letter;            ///< 0: none
  Takes takes;
  bool repeats = true;
};

/// From lib/eal/common/eal_common_options.c; since 25.11 from eal_option_list.h, which has more
/// long names, and most options may be given only once. (Since 24.11 there are log-color and
/// log-timestamp, and the value of syslog is optional.)
constexpr auto eal_options() {
  using enum Takes;
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
  return std::to_array<EalOption>({
      {"--allow", 'a', kValue},
      {"--base-virtaddr", 0, kValue, false},
      {"--block", 'b', kValue},
      {"--coremask", 'c', kValue, false},
      {"--create-uio-dev", 0, kNothing, false},
      {"--driver-path", 'd', kValue},
      {"--file-prefix", 0, kValue, false},
      {"--force-max-simd-bitwidth", 0, kValue, false},
      {"--help", 'h', kNothing},
      {"--huge-dir", 0, kValue, false},
      {"--huge-unlink", 0, kMaybe, false},
      {"--huge-worker-stack", 0, kMaybe, false},
      {"--in-memory", 0, kNothing, false},
      {"--iova-mode", 0, kValue, false},
      {"--lcores", 'l', kValue, false},
      {"--legacy-mem", 0, kNothing, false},
      {"--log-color", 0, kMaybe, false},
      {"--log-level", 0, kValue},
      {"--log-timestamp", 0, kMaybe, false},
      {"--main-lcore", 0, kValue, false},
      {"--match-allocations", 0, kNothing, false},
      {"--mbuf-pool-ops-name", 0, kValue, false},
      {"--memory-channels", 'n', kValue, false},
      {"--memory-ranks", 'r', kValue, false},
      {"--memory-size", 'm', kValue, false},
      {"--no-hpet", 0, kNothing, false},
      {"--no-huge", 0, kNothing, false},
      {"--no-pci", 0, kNothing, false},
      {"--no-shconf", 0, kNothing, false},
      {"--no-telemetry", 0, kNothing, false},
      {"--numa-limit", 0, kValue, false},
      {"--numa-mem", 0, kValue, false},
      {"--proc-type", 0, kValue, false},
      {"--remap-lcore-ids", 'R', kMaybe, false},
      {"--service-corelist", 'S', kValue, false},
      {"--service-coremask", 's', kValue, false},
      {"--single-file-segments", 0, kNothing, false},
      {"--socket-limit", 0, kValue, false},
      {"--socket-mem", 0, kValue, false},
      {"--syslog", 0, kMaybe, false},
      {"--telemetry", 0, kNothing, false},
      {"--trace", 0, kValue},
      {"--trace-bufsz", 0, kValue, false},
      {"--trace-dir", 0, kValue, false},
      {"--trace-mode", 0, kValue, false},
      {"--vdev", 0, kValue},
      {"--version", 'v', kNothing, false},
      {"--vfio-intr", 0, kValue, false},
      {"--vfio-vf-token", 0, kValue, false},
      {"--vmware-tsc-map", 0, kNothing, false},
  });
#else
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
  constexpr Takes kSyslog = kMaybe;
#else
  constexpr Takes kSyslog = kValue;
#endif
  return std::to_array<EalOption>({
    {"", 'c', kValue, false}, {"", 'd', kValue}, {"", 'l', kValue, false}, {"", 'm', kValue},
        {"", 'n', kValue}, {"", 'r', kValue}, {"", 's', kValue}, {"", 'S', kValue},
        {"", 'v', kNothing}, {"--allow", 'a', kValue}, {"--base-virtaddr", 0, kValue},
        {"--block", 'b', kValue}, {"--create-uio-dev", 0, kNothing}, {"--file-prefix", 0, kValue},
        {"--force-max-simd-bitwidth", 0, kValue}, {"--help", 'h', kNothing},
        {"--huge-dir", 0, kValue}, {"--huge-unlink", 0, kMaybe}, {"--huge-worker-stack", 0, kMaybe},
        {"--in-memory", 0, kNothing}, {"--iova-mode", 0, kValue}, {"--lcores", 0, kValue, false},
        {"--legacy-mem", 0, kNothing},
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
        {"--log-color", 0, kMaybe}, {"--log-timestamp", 0, kMaybe},
#endif
        {"--log-level", 0, kValue}, {"--main-lcore", 0, kValue},
        {"--match-allocations", 0, kNothing}, {"--mbuf-pool-ops-name", 0, kValue},
        {"--no-hpet", 0, kNothing}, {"--no-huge", 0, kNothing}, {"--no-pci", 0, kNothing},
        {"--no-shconf", 0, kNothing}, {"--no-telemetry", 0, kNothing}, {"--proc-type", 0, kValue},
        {"--single-file-segments", 0, kNothing}, {"--socket-limit", 0, kValue},
        {"--socket-mem", 0, kValue}, {"--syslog", 0, kSyslog}, {"--telemetry", 0, kNothing},
        {"--trace", 0, kValue}, {"--trace-bufsz", 0, kValue}, {"--trace-dir", 0, kValue},
        {"--trace-mode", 0, kValue}, {"--vdev", 0, kValue}, {"--vfio-intr", 0, kValue},
        {"--vfio-vf-token", 0, kValue}, {"--vmware-tsc-map", 0, kNothing},
  });
#endif
}

/// Two options that EAL doesn't take together. A value may count: "--huge-unlink=always" also
/// stands for the bare --huge-unlink.
struct ExclusiveOptions {
  std::string_view one;
  std::string_view other;
  std::string_view mend = "leave one of the two out";
};

/// From eal_check_common_options() and eal_parse_common_option(); since 25.11 from
/// eal_collate_args().
constexpr auto exclusive_options() {
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
  return std::to_array<ExclusiveOptions>({
      {"--allow", "--block"},
      {"-c", "--lcores"},
      {"-s", "-S"},
      {"--no-telemetry", "--telemetry"},
      {"-m", "--socket-mem"},
      {"--socket-mem", "--no-huge"},
      {"--huge-worker-stack", "--no-huge"},
      {"--socket-limit", "--legacy-mem"},
      {"--legacy-mem", "--in-memory", "leave --in-memory out"},
      {"--legacy-mem", "--match-allocations"},
      {"--match-allocations", "--no-huge"},
      {"--huge-unlink", "--no-huge"},
      {"--single-file-segments", "--huge-unlink"},
      {"--single-file-segments", "--no-huge"},
      {"--huge-unlink", "--in-memory"},
  });
#else
  return std::to_array<ExclusiveOptions>({
      {"--allow", "--block"},
      {"-c", "-l"},
      {"--lcores", "-l"},
      {"--lcores", "-c"},
      {"-m", "--socket-mem"},
      {"--socket-mem", "--no-huge"},
      {"--huge-unlink=always", "--no-huge"},
      {"--huge-worker-stack", "--no-huge"},
      {"--huge-unlink=never", "--in-memory"},
      {"--no-huge", "--in-memory", "leave --in-memory out"},
      {"--legacy-mem", "--in-memory", "leave --in-memory out"},
      {"--legacy-mem", "--match-allocations"},
      {"--match-allocations", "--no-huge"},
  });
#endif
}

/// Whether getopt_long reads EAL's arguments: names may then be abbreviated and letters combined.
/// Since 25.11 EAL has its own parser, which ends the process at everything that it doesn't know.
constexpr bool getopt_reads_eal_arguments() { return RTE_VERSION < RTE_VERSION_NUM(25, 11, 0, 0); }

}  // namespace bab::detail::dpdk
