#include "../../../src/base/eal_failure.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bab {
namespace {

using detail::explain_pci_failure;
using testing::HasSubstr;

constexpr const char* kA = "0000:01:00.0";

std::string probe(const std::string& what) {
  return "EAL: Detected CPU lcores: 2\nEAL: Using IOMMU type 1 (Type 1)\n"
         "EAL: Probe PCI driver: net_virtio (1af4:1041) device: 0000:00:03.0 (socket -1)\n"
         "EAL: 0000:00:03.0 something else\n"
         "EAL: Probe PCI driver: net_e1000_em (8086:10d3) device: 0000:01:00.0 (socket -1)\n" +
         what +
         "EAL: Requested device 0000:01:00.0 cannot be used\nTELEMETRY: No legacy callbacks, "
         "legacy socket not created\n";
}

TEST(PciFailure, IsWhatEalSaysOfTheDevice) {
  for (const auto& [said, mend] :
       {std::pair{"EAL: 0000:01:00.0 failed to select IOMMU type", "allow_unsafe_interrupts"},
        {"EAL: 0000:01:00.0 VFIO group is not viable! Not all devices in IOMMU group bound to VFIO "
         "or unbound",
         "IOMMU group"},
        {"EAL: Cannot set up DMA remapping, error 12 (Cannot allocate memory)", "ulimit -l"},
        {"EAL: Failed to open VFIO group 7", "/dev/vfio"},
        {"EAL: Cannot open /dev/uio0: Permission denied", "root"},
        {"EAL:   Expecting 'PA' IOVA mode but current mode is 'VA', not initializing",
         "--iova-mode"}}) {
    const std::string why = explain_pci_failure(probe(std::string(said) + "\n"), kA);
    EXPECT_THAT(why, HasSubstr(mend));
    EXPECT_EQ(why.find('\n'), std::string::npos);
    EXPECT_THAT(why, HasSubstr("; "));
  }
}

TEST(PciFailure, ADriversOwnWordsAreKept) {
  EXPECT_THAT(explain_pci_failure(probe("eth_em_dev_init(): Hardware init failed: -5\n"), kA),
              testing::StartsWith("Hardware init failed: -5; --log-level=8"));
}

TEST(PciFailure, OfAnotherDeviceIsNone) {
  EXPECT_EQ(explain_pci_failure(probe(""), kA), "");
  EXPECT_EQ(explain_pci_failure("", kA), "");
}

/// The last line of EAL's log says what failed. The line before it may say why.
TEST(EalFailure, LastWordsAndTheLineBefore) {
  const auto explained = [](const char* log) {
    return std::string(detail::explain_eal_failure(log).what());
  };
  EXPECT_EQ(
      explained("EAL: Detected NUMA nodes: 1\nEAL: some cause\nEAL: Cannot init this\n"),
      "starting EAL: Cannot init this: some cause; --log-level=lib.eal:debug shows the whole log");
  EXPECT_EQ(explained("EAL: Detected NUMA nodes: 1\nEAL: Cannot init this\n"),
            "starting EAL: Cannot init this; --log-level=lib.eal:debug shows the whole log");
  EXPECT_THAT(explained("EAL: Cannot set affinity\n"), HasSubstr("taskset"));
  EXPECT_THAT(explained(""), HasSubstr("EAL gives no reason"));
}

TEST(EalFailure, OfAnOptionIsAboutEalsArguments) {
  const Error of_option =
      detail::explain_eal_failure("EAL: invalid parameters for --base-virtaddr\n");
  EXPECT_THAT(of_option.what(), HasSubstr("-h lists EAL's options"));
  EXPECT_EQ(of_option.setting(), Setting::kEalArguments);
  EXPECT_EQ(detail::explain_eal_failure("EAL: Cannot set affinity\n").setting(), Setting::kNone);
}

}  // namespace
}  // namespace bab
