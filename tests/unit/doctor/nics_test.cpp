#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/detail/dpdk/release.hpp>
#include <bab/doctor/doctor.hpp>

#include "doctor_machine.hpp"

namespace bab {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

class DoctorNics : public test::DoctorMachine {};

TEST_F(DoctorNics, NicOfTheKernelCanBeBound) {
  igb();
  nic("0000:01:00.0", "8086:1520", "igb", "eth1");
  EXPECT_THAT(
      about("nic", {}),
      Contains(is(Level::kWarn, "0000:01:00.0 (8086:1520) has the kernel's driver igb, eth1",
                  "modprobe vfio-pci && dpdk-devbind.py -b vfio-pci 0000:01:00.0")));
  EXPECT_THAT(
      about("nic", {"-a", "01:00.0"}),
      Contains(is(Level::kFail, "DPDK's net_igb needs another driver there", "dpdk-devbind.py")));
}

/// The default route may use an interface that can't be seen from here. Only NICs that nobody can
/// be using are offered.
TEST_F(DoctorNics, NicThatMayBeInUseIsNotOffered) {
  igb();
  const auto expect_not_offered = [&](const std::string& mend) {
    EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "may be in use", mend)));
    EXPECT_THAT(about("nic", {"-a", "01:00.0"}), Contains(is(Level::kFail, "may be in use", mend)));
    for (const Finding& f : examine({"-a", "01:00.0"}))
      EXPECT_THAT(f.mend, Not(HasSubstr("devbind")));
  };
  nic("0000:01:00.0", "8086:1520", "igb", "");
  expect_not_offered("another network namespace");
  put("sys/bus/pci/devices/0000:01:00.0/net/eth1/x", "");
  expect_not_offered("ip link set eth1 down");  // its flags can't be read
  put("sys/class/net/eth1/flags", "0x1003\n");
  expect_not_offered("ip link set eth1 down");
  put("sys/class/net/eth1/flags", "0x1002\n");
  put("sys/class/net/eth1/upper_bond0/x", "");
  expect_not_offered("ip link set eth1 down");
  fs::remove_all(root_ / "sys/class/net/eth1/upper_bond0");
  link("sys/class/net/eth1/master", "../ovs-system");
  expect_not_offered("ip link set eth1 down");
  fs::remove(root_ / "sys/class/net/eth1/master");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "which is down", "dpdk-devbind.py")));
}

TEST_F(DoctorNics, NicWithoutDriverCanBeBound) {
  igb();
  nic("0000:01:00.0", "8086:1520", "", "");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "has no driver", "dpdk-devbind.py")));
}

/// The development package installs .so. Without this package there are only .so.23 and .so.23.0.
TEST_F(DoctorNics, PmdWithoutTheDevelopmentPackage) {
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  const std::string folder = std::string(RTE_EAL_PMD_PATH).substr(1);
  put_pmd(folder + "/librte_net_igb.so.23.0", "igb", "* vfio-pci", "[[32902, 5408, 65535, 65535]]");
  link(folder + "/librte_net_igb.so.23", "librte_net_igb.so.23.0");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "bound to vfio-pci, for net_igb")));
}

TEST_F(DoctorNics, PmdThatTheRunLoads) {
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  put_pmd("opt/pmds/librte_net_igb.so", "igb", "* vfio-pci", "[[32902, 5408, 65535, 65535]]");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "no installed PMD", "apt-get install")));
  EXPECT_THAT(about("nic", {"-d", "/opt/pmds"}), Contains(is(Level::kOk, "for net_igb")));
  EXPECT_THAT(about("nic", {"-d", "/opt/pmds/librte_net_igb.so"}),
              Contains(is(Level::kOk, "for net_igb")));
}

/// A mend uses a command that is installed. The kernel's own files always exist.
TEST_F(DoctorNics, MendsByWhatIsInstalled) {
  igb();
  nic("0000:01:00.0", "8086:1520", "igb", "eth1");
  put("usr/local/bin/bab-bind", "");
  EXPECT_THAT(about("nic", {}),
              Contains(is(Level::kWarn, "eth1", "bab-bind --bind=vfio-pci 0000:01:00.0 --yes")));
  fs::remove(root_ / "usr/local/bin/bab-bind");
  fs::remove(root_ / "usr/bin/dpdk-devbind.py");
  EXPECT_THAT(
      about("nic", {}),
      Contains(is(Level::kWarn, "eth1",
                  "modprobe vfio-pci && echo 0000:01:00.0 > "
                  "/sys/bus/pci/devices/0000:01:00.0/driver/unbind && echo vfio-pci > "
                  "/sys/bus/pci/devices/0000:01:00.0/driver_override && echo 0000:01:00.0 > "
                  "/sys/bus/pci/drivers_probe")));
}

/// Without an IOMMU, vfio-pci accepts no NIC. uio does, for root, if the kernel has uio and isn't
/// locked down.
TEST_F(DoctorNics, WithoutAnIommuItIsForUio) {
  igb();
  nic("0000:01:00.0", "8086:1520", "igb", "eth1");
  put("proc/sys/kernel/osrelease", "6.1.0\n");
  put("lib/modules/6.1.0/modules.dep", "kernel/drivers/uio/uio_pci_generic.ko: kernel/x.ko\n");
  const auto expect_mend = [&](const std::string& driver) {
    EXPECT_THAT(about("nic", {}),
                Contains(is(Level::kWarn, "eth1",
                            "modprobe " + driver + " && dpdk-devbind.py -b " + driver)));
  };
  expect_mend("uio_pci_generic");
  EXPECT_THAT(about("iommu", {}), Each(is(Level::kOk, "off, and nothing here needs it")));
  put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  expect_mend("vfio-pci");
  EXPECT_THAT(about("iommu", {}), Each(is(Level::kWarn, "off", "intel_iommu=on")));
  put("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
  expect_mend("uio_pci_generic");
  put("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  expect_mend("vfio-pci");
  fs::remove_all(root_ / "sys/module");
  link("sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../../kernel/iommu_groups/7");
  expect_mend("vfio-pci");
  fs::remove(root_ / "sys/bus/pci/devices/0000:01:00.0/iommu_group");
  user(1000, "0");
  expect_mend("vfio-pci");
}

/// Behind an IOMMU that doesn't remap interrupts, VFIO refuses every NIC, unless VFIO is told to
/// trust the interrupts.
TEST_F(DoctorNics, InterruptsThatAreNotRemapped) {
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  link("sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../../kernel/iommu_groups/7");
  put("sys/kernel/iommu_groups/7/devices/0000:01:00.0", "");
  put("sys/class/iommu/dmar0/x", "");
  put("proc/interrupts",
      "  CPU0\n 24:  1  IO-APIC  5-edge  x\n 28:  0  PCI-MSI-0000:00:01.0  0-edge  y\n");
  const std::string unsafe = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
  EXPECT_THAT(about("iommu", {}),
              Each(is(Level::kWarn, "interrupts aren't remapped", "echo Y > " + unsafe)));
  EXPECT_THAT(about("iommu", {"-a", "01:00.0"}),
              Each(is(Level::kFail, "interrupts aren't remapped",
                      "modprobe vfio_iommu_type1 && echo Y > " + unsafe)));
  put(unsafe.substr(1), "N\n");
  EXPECT_THAT(about("iommu", {"-a", "01:00.0"}), Each(is(Level::kFail, "interrupts aren't remapped",
                                                         "users of the NIC, echo Y > " + unsafe)));
  put(unsafe.substr(1), "Y\n");
  EXPECT_THAT(about("iommu", {"-a", "01:00.0"}), Each(is(Level::kOk, "on, 1 groups")));
  put(unsafe.substr(1), "N\n");
  put("proc/interrupts",
      "  CPU0\n 24:  1  IR-IO-APIC  5-edge  x\n 28:  0  IR-PCI-MSI-0000:00:01.0  0-edge  y\n");
  EXPECT_THAT(about("iommu", {"-a", "01:00.0"}), Each(is(Level::kOk, "on, 1 groups")));
}

class DefaultRoute : public DoctorNics {
 protected:
  DefaultRoute() {
    igb();
    nic("0000:01:00.0", "8086:1520", "igb", "eth1");
  }
  void expect_left_alone() {
    for (const std::vector<std::string>& eal :
         {std::vector<std::string>{}, {"-a", "0000:01:00.0"}, {"-a", "0000:01:00.0", "-m", "1"}})
      for (const Finding& f : examine(eal))
        EXPECT_THAT(f.mend, Not(HasSubstr("devbind"))) << f.text;
    EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "carries the default route")));
    EXPECT_THAT(about("nic", {"-a", "0000:01:00.0"}),
                Contains(is(Level::kFail, "carries the default route", "name another NIC")));
  }
  static constexpr const char* kHead =
      "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
};

TEST_F(DefaultRoute, OfTheInterfaceItself) {
  put("proc/net/route",
      std::string(kHead) + "eth1\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  expect_left_alone();
}

TEST_F(DefaultRoute, OfABridgeOverABondOverIt) {
  put("proc/net/route",
      std::string(kHead) + "br0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  put("sys/class/net/br0/lower_bond0/x", "");
  put("sys/class/net/bond0/lower_eth1/x", "");
  expect_left_alone();
}

TEST_F(DefaultRoute, OfIpv6Alone) {
  put("proc/net/ipv6_route", std::string(32, '0') + " 00 " + std::string(32, '0') +
                                 " 00 fe800000000000000000000000000001 00000400 00000001 00000000 "
                                 "00000003 eth1\n");
  expect_left_alone();
}

/// A default route with several next hops. For some routes the kernel lists only the first one, but
/// the other interface is up, too.
TEST_F(DefaultRoute, OfSeveralNextHops) {
  nic("0000:02:00.0", "8086:1520", "igb", "eth2");
  for (const char* address : {"0000:01:00.0", "0000:02:00.0"}) {
    const std::string name = address[6] == '1' ? "eth1" : "eth2";
    put("sys/class/net/" + name + "/flags", "0x1003\n");
  }
  const auto row = [](const std::string& interface) {
    return interface + "\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
  };
  const auto row6 = [](const std::string& interface) {
    return std::string(32, '0') + " 00 " + std::string(32, '0') +
           " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 " + interface +
           "\n";
  };
  const auto expect_none_offered = [&] {
    for (const std::vector<std::string>& eal :
         {std::vector<std::string>{}, {"-a", "01:00.0"}, {"-a", "02:00.0"}})
      for (const Finding& f : examine(eal))
        EXPECT_THAT(f.mend, Not(HasSubstr("devbind"))) << f.text;
  };
  put("proc/net/route", std::string(kHead) + row("eth1") + row("eth2"));
  expect_none_offered();
  EXPECT_THAT(about("nic", {}), Each(is(Level::kOk, "carries the default route")));
  put("proc/net/route", std::string(kHead) + row("eth1"));
  expect_none_offered();
  put("proc/net/route", kHead);
  put("proc/net/ipv6_route", row6("eth1") + row6("eth2"));
  expect_none_offered();
  EXPECT_THAT(about("nic", {}), Each(is(Level::kOk, "carries the default route")));
}

TEST_F(DefaultRoute, ARouteToANetIsNone) {
  put("proc/net/route",
      std::string(kHead) + "eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "eth1", "dpdk-devbind.py")));
}

TEST_F(DoctorNics, VirtioInterfacesAreAFolderDeeper) {
  nic("0000:00:03.0", "1af4:1041", "virtio-pci", "");
  put("sys/bus/pci/devices/0000:00:03.0/virtio0/net/ens3/flags", "0x1003\n");
  put("proc/net/route", "Iface\nens3\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "ens3: it carries the default route")));
}

TEST_F(DoctorNics, BoundNicWithIommu) {
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  link("sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../kernel/iommu_groups/7");
  put("sys/kernel/iommu_groups/7/x", "");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "bound to vfio-pci, for net_igb")));
  EXPECT_THAT(about("iommu", {}), Contains(is(Level::kOk, "on, 1 groups")));
}

/// VFIO takes all devices of an IOMMU group or none.
TEST_F(DoctorNics, IommuGroupThatOthersAreIn) {
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  nic("0000:01:00.1", "8086:1520", "igb", "eth1");
  nic("0000:01:00.2", "8086:1520", "", "");
  put("sys/bus/pci/devices/0000:00:01.0/class", "0x060400\n");  // a bridge
  link("sys/bus/pci/devices/0000:00:01.0/driver", "../../../bus/pci/drivers/pcieport");
  for (const std::string& address :
       std::vector<std::string>{"0000:01:00.0", "0000:01:00.1", "0000:01:00.2", "0000:00:01.0"}) {
    link("sys/bus/pci/devices/" + address + "/iommu_group", "../../kernel/iommu_groups/7");
    put("sys/kernel/iommu_groups/7/devices/" + address + "/x", "");
  }
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}),
              Contains(is(Level::kFail,
                          "0000:01:00.0 (8086:1520) shares IOMMU group 7 with 0000:01:00.1 (igb), "
                          "and VFIO takes only a whole group",
                          "another slot")));
  // The mend must not advise binding a NIC that couldn't be used afterwards.
  EXPECT_THAT(about("nic", {"-a", "01:00.2"}),
              Contains(is(Level::kFail, "shares IOMMU group 7 with 0000:01:00.1 (igb)", "slot")));
  fs::remove(root_ / "sys/bus/pci/devices/0000:01:00.1/driver");
  link("sys/bus/pci/devices/0000:01:00.1/driver", "../../../bus/pci/drivers/vfio-pci");
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}),
              Each(Not(Field("level", &Finding::level, Level::kFail))));
  EXPECT_THAT(about("nic", {"-a", "01:00.2"}),
              Contains(is(Level::kFail, "has no driver", "devbind")));
}

TEST_F(DoctorNics, BoundNicWithoutIommu) {
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}),
              Contains(is(Level::kFail, "in no IOMMU group", "enable_unsafe_noiommu_mode")));
  EXPECT_THAT(about("iommu", {}), Contains(is(Level::kWarn, "off", "iommu=on")));
  put("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}), Each(Field("level", &Finding::level, Level::kOk)));
}

TEST_F(DoctorNics, PmdPackageThatIsMissing) {
  nic("0000:01:00.0", "1d0f:ec20", "ena", "eth1");
  const std::string install =
      "apt-get install librte-net-ena" + std::to_string(detail::abi_built_for());
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "no installed PMD", install)));
  EXPECT_THAT(about("nic", {"-a", "0000:01:00.0"}),
              Contains(is(Level::kFail, "no installed PMD", install)));
}

TEST_F(DoctorNics, NicThatNoPmdIsKnownFor) {
  nic("0000:01:00.0", "10ec:8168", "r8169", "eth1");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "no installed PMD")));
}

TEST_F(DoctorNics, PmdThatWorksBesideTheKernelsDriver) {
  pmd("mlx5", "* ib_uverbs & mlx5_core & mlx5_ib", "[[5555, 4119, 65535, 65535]]");
  nic("0000:01:00.0", "15b3:1017", "mlx5_core", "eth1");
  EXPECT_THAT(about("nic", {}),
              Contains(is(Level::kOk, "mlx5_core, and net_mlx5 shares the NIC with it")));
}

TEST_F(DoctorNics, NonsenseInAPmdsLibraryIsPassedOver) {
  put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_a.so",
      "PMD_INFO_STRING= {\"pci_ids\": [[");
  put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_b.so", "PMD_INFO_STRING= [1, 2]");
  put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_c.so",
      "PMD_INFO_STRING= {\"pci_ids\": [[32902], 5, [\"x\", 1, 2, 3]]}");
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "for net_igb")));
}

TEST_F(DoctorNics, DeviceThatIsAskedForAndIsNotThere) {
  put("sys/bus/pci/devices/0000:02:00.0/class", "0x030000\n");
  EXPECT_THAT(about("nic", {"-a", "0000:09:00.0"}),
              Contains(is(Level::kFail, "there is no PCI device 0000:09:00.0", "lspci")));
  EXPECT_THAT(about("nic", {"-a", "02:00.0"}),
              Contains(is(Level::kFail, "0000:02:00.0 is no network device", "lspci")));
}

}  // namespace
}  // namespace bab
