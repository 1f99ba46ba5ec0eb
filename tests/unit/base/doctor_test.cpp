#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_build_config.h>

#include <bab/base/doctor.hpp>

namespace bab {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A machine made of files.
class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    std::string name = (fs::temp_directory_path() / "bab-doctor-XXXXXX").string();
    root_ = mkdtemp(name.data());
    put("proc/self/status", "Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n");
    put("sys/devices/system/cpu/online", "0-7\n");
  }
  ~DoctorTest() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void link(const std::string& path, const std::string& target) {
    fs::create_directories((root_ / path).parent_path());
    fs::create_symlink(target, root_ / path);
  }
  void pages(int node, const std::string& kib, unsigned total, unsigned free) {
    const std::string dir = "sys/devices/system/node/node" + std::to_string(node) +
                            "/hugepages/hugepages-" + kib + "kB/";
    put(dir + "nr_hugepages", std::to_string(total) + "\n");
    put(dir + "free_hugepages", std::to_string(free) + "\n");
  }
  /// A network device; `driver` empty: none.
  void nic(const std::string& address, const std::string& id, const std::string& driver,
           const std::string& interface) {
    const std::string dir = "sys/bus/pci/devices/" + address + "/";
    put(dir + "class", "0x020000\n");
    put(dir + "vendor", "0x" + id.substr(0, 4) + "\n");
    put(dir + "device", "0x" + id.substr(5) + "\n");
    if (!driver.empty()) link(dir + "driver", "../../../bus/pci/drivers/" + driver);
    if (interface.empty()) return;
    put(dir + "net/" + interface + "/flags", "0x1003\n");
    put("sys/class/net/" + interface + "/flags", "0x1002\n");
  }
  void pmd(const std::string& name, const std::string& kmod, const std::string& ids) {
    put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_" + name + ".so",
        std::string("\x7f"
                    "ELF\0junk\0",
                    10) +
            "PMD_INFO_STRING= {\"name\": \"net_" + name + "\", \"kmod\": \"" + kmod +
            "\", \"pci_ids\": " + ids + "}" + std::string(1, '\0') + "more");
  }
  void igb() {
    pmd("igb", "* igb_uio | uio_pci_generic | vfio-pci", "[[32902, 5408, 65535, 65535]]");
  }
  void user(unsigned uid, const std::string& capabilities) {
    const std::string id = std::to_string(uid);
    put("proc/self/status",
        "Uid:\t" + id + "\t" + id + "\t" + id + "\t" + id + "\nCapEff:\t" + capabilities + "\n");
  }

  std::vector<Finding> examine(std::vector<std::string> eal, std::uint64_t memory = 0,
                               std::uint32_t mtu = 0) {
    return bab::examine({root_, std::move(eal), memory, mtu});
  }
  std::vector<Finding> about(std::string_view topic, std::vector<std::string> eal,
                             std::uint64_t memory = 0, std::uint32_t mtu = 0) {
    std::vector<Finding> all = examine(std::move(eal), memory, mtu);
    all.erase(
        std::remove_if(all.begin(), all.end(), [&](const Finding& f) { return f.topic != topic; }),
        all.end());
    return all;
  }
  static auto is(Level level, const std::string& text, const std::string& mend = "") {
    return AllOf(Field("level", &Finding::level, level),
                 Field("text", &Finding::text, HasSubstr(text)),
                 Field("mend", &Finding::mend,
                       mend.empty() ? testing::Matcher<const std::string&>(IsEmpty())
                                    : testing::Matcher<const std::string&>(HasSubstr(mend))));
  }

  fs::path root_;
};

constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

TEST_F(DoctorTest, NoHugepagesForARunThatNeedsThem) {
  pages(0, "2048", 0, 0);
  EXPECT_THAT(about("hugepages", {"-l", "0-2"}, kGib),
              Contains(is(Level::kFail,
                          "NUMA node 0: 0 hugepages of 2 MiB, 0 free (0 MiB); 1 GiB are needed",
                          "echo 512 > /sys/devices/system/node/node0/hugepages/"
                          "hugepages-2048kB/nr_hugepages")));
}

TEST_F(DoctorTest, NoHugepagesForARunWithoutThemIsAWarning) {
  pages(0, "2048", 0, 0);
  EXPECT_THAT(about("hugepages", {"--no-huge"}),
              Contains(is(Level::kWarn, "--no-huge does without", "nr_hugepages")));
}

TEST_F(DoctorTest, TakenHugepagesAreAddedTo) {
  pages(0, "2048", 100, 10);
  EXPECT_THAT(
      about("hugepages", {"-l", "0-2", "-m", "64"}),
      Contains(is(Level::kFail, "100 hugepages of 2 MiB, 10 free (20 MiB); 64 MiB are needed",
                  "echo 122 > ")));
}

TEST_F(DoctorTest, EnoughHugepages) {
  pages(0, "2048", 100, 40);
  EXPECT_THAT(about("hugepages", {"-l", "0-2", "-m", "64"}),
              Contains(is(Level::kOk, "40 free (80 MiB); 64 MiB are needed")));
}

TEST_F(DoctorTest, HugepagesAreWantedOnTheNicsNode) {
  pages(0, "2048", 1000, 1000);
  pages(1, "2048", 0, 0);
  nic("0000:81:00.0", "8086:1520", "vfio-pci", "");
  put("sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
  EXPECT_THAT(about("hugepages", {"-a", "81:00.0"}, kGib),
              Contains(is(Level::kFail, "NUMA node 1: 0 hugepages", "node1/hugepages")));
}

TEST_F(DoctorTest, HugepagesAreWantedOnEachNicsNode) {
  pages(0, "2048", 1000, 300);
  pages(1, "2048", 1000, 200);
  pages(2, "2048", 0, 0);
  for (const std::string& address :
       std::vector<std::string>{"0000:01:00.0", "0000:81:00.0", "0000:81:00.1"}) {
    nic(address, "8086:1520", "vfio-pci", "");
    put("sys/bus/pci/devices/" + address + "/numa_node", address[5] == '8' ? "1\n" : "0\n");
  }
  const std::vector<std::string> two{"-a", "01:00.0", "-a", "81:00.0"};
  const auto half = about("hugepages", two, kGib);
  EXPECT_THAT(half, Contains(is(Level::kOk,
                                "NUMA node 0: 1000 hugepages of 2 MiB, 300 free (600 "
                                "MiB); 512 MiB are needed")));
  EXPECT_THAT(half, Contains(is(Level::kFail,
                                "NUMA node 1: 1000 hugepages of 2 MiB, 200 free (400 MiB); 512 MiB "
                                "are needed",
                                "echo 1056 > /sys/devices/system/node/node1/")));
  EXPECT_EQ(half.size(), 2U) << "nobody asks for node 2";
  EXPECT_THAT(about("hugepages", {"-a", "01:00.0", "-a", "81:00.0", "-a", "81:00.1"}, 3 * kGib),
              Contains(is(Level::kFail,
                          "NUMA node 1: 1000 hugepages of 2 MiB, 200 free (400 MiB); "
                          "2 GiB are needed",
                          "node1/")));
}

TEST_F(DoctorTest, HugepagesAreWantedWhereTheLcoresAre) {
  pages(0, "2048", 0, 0);
  pages(1, "2048", 600, 600);
  put("sys/devices/system/node/node0/cpulist", "0-3\n");
  put("sys/devices/system/node/node1/cpulist", "4-7\n");
  EXPECT_THAT(about("hugepages", {"-l", "4-6"}, kGib),
              testing::ElementsAre(is(Level::kOk, "NUMA node 1: 600 hugepages")));
  EXPECT_THAT(about("hugepages", {"-l", "0-2"}, kGib),
              Contains(is(Level::kFail, "NUMA node 0: 0 hugepages", "node0/")));
  EXPECT_THAT(about("hugepages", {"-l", "2-5"}, kGib),
              Each(Not(Field("level", &Finding::level, Level::kFail))));
  // Far from the NIC: slower, and no more than that.
  nic("0000:81:00.0", "8086:1520", "vfio-pci", "");
  put("sys/bus/pci/devices/0000:81:00.0/numa_node", "1\n");
  const auto far = about("hugepages", {"-l", "0-2", "-a", "81:00.0"}, kGib);
  EXPECT_THAT(far, Contains(is(Level::kWarn, "lcores run there",
                               "echo 32 > /sys/devices/system/node/node0/")));
  EXPECT_THAT(far, Contains(is(Level::kOk,
                               "NUMA node 1: 600 hugepages of 2 MiB, 600 free (1200 "
                               "MiB); 1 GiB are needed")));
}

TEST_F(DoctorTest, MemoryOfEachSocket) {
  pages(0, "2048", 100, 100);
  pages(1, "2048", 100, 100);
  const auto found = about("hugepages", {"--socket-mem=64,512"});
  EXPECT_THAT(found, Contains(is(Level::kOk,
                                 "NUMA node 0: 100 hugepages of 2 MiB, 100 free (200 "
                                 "MiB); 64 MiB are needed")));
  EXPECT_THAT(found, Contains(is(Level::kFail, "512 MiB are needed",
                                 "echo 256 > /sys/devices/system/node/node1/")));
}

TEST_F(DoctorTest, MachineWithoutNumaNodes) {
  put("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "2");
  put("sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1");
  EXPECT_THAT(about("hugepages", {}),
              Contains(is(Level::kOk, "2 hugepages of 1 GiB, 1 free (1 GiB)")));
}

TEST_F(DoctorTest, FilesNeedAMountedHugetlbfs) {
  pages(0, "2048", 9, 9);
  EXPECT_THAT(about("hugepages", {"--file-prefix=x"}),
              Contains(is(Level::kFail, "hugetlbfs", "mount -t hugetlbfs")));
  put("proc/mounts", "none /dev/hugepages hugetlbfs rw 0 0\n");
  EXPECT_THAT(about("hugepages", {"--file-prefix=x"}),
              Each(Field("level", &Finding::level, Level::kOk)));
}

TEST_F(DoctorTest, NicOfTheKernelCanBeBound) {
  igb();
  nic("0000:01:00.0", "8086:1520", "igb", "eth1");
  EXPECT_THAT(
      about("nic", {}),
      Contains(is(Level::kWarn, "0000:01:00.0 (8086:1520) has the kernel's driver igb, eth1",
                  "modprobe vfio-pci && dpdk-devbind.py -b vfio-pci 0000:01:00.0")));
  EXPECT_THAT(
      about("nic", {"-a", "01:00.0"}),
      Contains(is(Level::kFail, "DPDK can't use it so (net_igb would)", "dpdk-devbind.py")));
}

/// The default route may go a way that isn't seen from here: only what nobody can be using is offered.
TEST_F(DoctorTest, NicThatMayBeInUseIsNotOffered) {
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

TEST_F(DoctorTest, NicWithoutDriverCanBeBound) {
  igb();
  nic("0000:01:00.0", "8086:1520", "", "");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kWarn, "has no driver", "dpdk-devbind.py")));
}

TEST_F(DoctorTest, WhatCannotBeReadIsPassedOver) {
  for (const char* path :
       {"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "proc/cpuinfo", "proc/net/route",
        "sys/devices/system/cpu/isolated", "proc/self/limits"}) {
    fs::remove_all(root_ / path);
    fs::create_directories(root_ / path);
  }
  EXPECT_THAT(about("cpu", {"-l", "0-2"}), Not(IsEmpty()));
}

class DefaultRoute : public DoctorTest {
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

/// Of several next hops: the kernel lists some routes' first one only, and the other interface is up all the same.
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

TEST_F(DoctorTest, VirtioInterfacesAreAFolderDeeper) {
  nic("0000:00:03.0", "1af4:1041", "virtio-pci", "");
  put("sys/bus/pci/devices/0000:00:03.0/virtio0/net/ens3/flags", "0x1003\n");
  put("proc/net/route", "Iface\nens3\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "ens3: it carries the default route")));
}

TEST_F(DoctorTest, BoundNicWithIommu) {
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  link("sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../kernel/iommu_groups/7");
  put("sys/kernel/iommu_groups/7/x", "");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "bound to vfio-pci, for net_igb")));
  EXPECT_THAT(about("iommu", {}), Contains(is(Level::kOk, "on, 1 groups")));
}

/// VFIO takes all of a group or nothing of it.
TEST_F(DoctorTest, IommuGroupThatOthersAreIn) {
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
                          "which VFIO doesn't have",
                          "another slot")));
  // Binding one that can't be used then is no advice.
  EXPECT_THAT(about("nic", {"-a", "01:00.2"}),
              Contains(is(Level::kFail, "shares IOMMU group 7 with 0000:01:00.1 (igb)", "slot")));
  fs::remove(root_ / "sys/bus/pci/devices/0000:01:00.1/driver");
  link("sys/bus/pci/devices/0000:01:00.1/driver", "../../../bus/pci/drivers/vfio-pci");
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}),
              Each(Not(Field("level", &Finding::level, Level::kFail))));
  EXPECT_THAT(about("nic", {"-a", "01:00.2"}),
              Contains(is(Level::kFail, "has no driver", "devbind")));
}

TEST_F(DoctorTest, BoundNicWithoutIommu) {
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}),
              Contains(is(Level::kFail, "in no IOMMU group", "enable_unsafe_noiommu_mode")));
  EXPECT_THAT(about("iommu", {}), Contains(is(Level::kWarn, "off", "iommu=on")));
  put("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
  EXPECT_THAT(about("nic", {"-a", "01:00.0"}), Each(Field("level", &Finding::level, Level::kOk)));
}

TEST_F(DoctorTest, PmdPackageThatIsMissing) {
  nic("0000:01:00.0", "1d0f:ec20", "ena", "eth1");
  EXPECT_THAT(about("nic", {}),
              Contains(is(Level::kWarn, "no installed PMD", "apt-get install librte-net-ena23")));
  EXPECT_THAT(about("nic", {"-a", "0000:01:00.0"}),
              Contains(is(Level::kFail, "no installed PMD", "apt-get install librte-net-ena23")));
}

TEST_F(DoctorTest, NicThatNoPmdIsKnownFor) {
  nic("0000:01:00.0", "10ec:8168", "r8169", "eth1");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "no installed PMD")));
}

TEST_F(DoctorTest, PmdThatWorksBesideTheKernelsDriver) {
  pmd("mlx5", "* ib_uverbs & mlx5_core & mlx5_ib", "[[5555, 4119, 65535, 65535]]");
  nic("0000:01:00.0", "15b3:1017", "mlx5_core", "eth1");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "mlx5_core, which net_mlx5 works beside")));
}

TEST_F(DoctorTest, NonsenseInAPmdsLibraryIsPassedOver) {
  put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_a.so",
      "PMD_INFO_STRING= {\"pci_ids\": [[");
  put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_b.so", "PMD_INFO_STRING= [1, 2]");
  put(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_c.so",
      "PMD_INFO_STRING= {\"pci_ids\": [[32902], 5, [\"x\", 1, 2, 3]]}");
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  EXPECT_THAT(about("nic", {}), Contains(is(Level::kOk, "for net_igb")));
}

TEST_F(DoctorTest, DeviceThatIsAskedForAndIsNotThere) {
  put("sys/bus/pci/devices/0000:02:00.0/class", "0x030000\n");
  EXPECT_THAT(about("nic", {"-a", "0000:09:00.0"}),
              Contains(is(Level::kFail, "there is no PCI device 0000:09:00.0", "lspci")));
  EXPECT_THAT(about("nic", {"-a", "02:00.0"}),
              Contains(is(Level::kFail, "0000:02:00.0 is no network device", "lspci")));
}

TEST_F(DoctorTest, LcoresThatShareACpu) {
  EXPECT_THAT(about("cpu", {"--lcores", "0@0,1@1,2@1,3@(1,2)"}),
              Contains(is(Level::kWarn, "lcores 1 and 2 share CPU 1", "-l 0-2")));
  EXPECT_THAT(about("cpu", {"--lcores=0@0,1@1,2@2"}),
              Not(Contains(Field("text", &Finding::text, HasSubstr("share")))));
}

TEST_F(DoctorTest, LcoresThatShareFewerCpus) {
  EXPECT_THAT(about("cpu", {"--lcores", "(0-3)@(0,1)"}),
              Contains(is(Level::kWarn, "lcores 1, 2 and 3 share CPUs 0 and 1, which are fewer",
                          "-l 0-2")));
}

TEST_F(DoctorTest, MemoryOfAllSockets) {
  pages(0, "2048", 9, 9);
  EXPECT_THAT(about("hugepages", {"--socket-mem=1024,1024"}),
              Contains(is(Level::kFail, "2 GiB are needed", "echo 1024 >")));
}

TEST_F(DoctorTest, TheMainLcoreIsNoWorker) {
  EXPECT_THAT(about("cpu", {"--lcores", "0@0,1@0"}), Contains(is(Level::kOk, "1 worker lcores")));
  EXPECT_THAT(about("cpu", {"-l", "3"}), Contains(is(Level::kFail, "no worker lcore", "-l 0-2")));
  EXPECT_THAT(about("cpu", {"-c", "0x7", "--main-lcore=2"}),
              Contains(is(Level::kOk, "2 worker lcores")));
}

TEST_F(DoctorTest, Hyperthreads) {
  for (const int cpu : {1, 2})
    put("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
        "1-2\n");
  EXPECT_THAT(
      about("cpu", {"-l", "0-2"}),
      Contains(is(Level::kWarn, "CPUs 1 and 2 of the workers are hyperthreads", "lscpu -e")));
}

TEST_F(DoctorTest, IsolationAndGovernor) {
  put("sys/devices/system/cpu/isolated", "1\n");
  put("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
  const auto found = about("cpu", {"-l", "0-2"});
  EXPECT_THAT(found, Contains(is(Level::kWarn, "the workers' CPUs 2, too",
                                 "isolcpus=1,2 nohz_full=1,2 rcu_nocbs=1,2 ")));
  EXPECT_THAT(found, Contains(is(Level::kWarn, "CPUs 2 have the frequency governor powersave",
                                 "echo performance")));
}

TEST_F(DoctorTest, NotAllCpusAreIsolated) {
  put("sys/devices/system/cpu/online", "0-1\n");
  EXPECT_THAT(
      about("cpu", {"--lcores=(2)@(0-1),0@0,1@1", "--main-lcore=2"}),
      Contains(is(Level::kWarn, "the workers' CPUs 0 and 1, too", "leave other processes a CPU")));
}

TEST_F(DoctorTest, CpuThatIsNotThere) {
  EXPECT_THAT(about("cpu", {"-l", "0,9"}), Contains(is(Level::kFail, "CPU 9 isn't there", "0-7")));
}

TEST_F(DoctorTest, ClockWhoseRateChanges) {
  put("proc/cpuinfo", "flags\t\t: fpu tsc sse\n");
  EXPECT_THAT(about("cpu", {"-l", "0-2"}), Contains(is(Level::kWarn, "TSC's rate", "TSC")));
  put("proc/cpuinfo", "flags\t\t: fpu tsc constant_tsc sse\n");
  EXPECT_THAT(about("cpu", {"-l", "0-2"}),
              Not(Contains(Field("text", &Finding::text, HasSubstr("TSC")))));
}

TEST_F(DoctorTest, MissingCapabilities) {
  user(1000, "0000000000000000");
  EXPECT_THAT(about("user", {"--vdev=net_af_packet0,iface=eth0", "--vdev", "net_tap0"}),
              Contains(is(Level::kFail,
                          "user 1000 may not open net_af_packet0 and net_tap0: "
                          "cap_net_raw,cap_net_admin is missing",
                          "setcap cap_net_raw,cap_net_admin+ep")));
  user(1000, "0000000000003000");  // both of them
  EXPECT_THAT(about("user", {"--vdev=net_af_packet0,iface=eth0", "--vdev", "net_tap0"}),
              Each(Not(Field("level", &Finding::level, Level::kFail))));
}

TEST_F(DoctorTest, OrdinaryUserOnTheEmbeddedDefault) {
  user(1000, "0000000000000000");
  EXPECT_THAT(about("user", {"--no-huge", "--no-pci"}),
              Contains(is(Level::kOk, "enough for a run without hugepages and NICs")));
}

TEST_F(DoctorTest, VfioGroupOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "made-up device files must belong to another user";
  user(1000, "0000000000000000");
  igb();
  nic("0000:01:00.0", "8086:1520", "vfio-pci", "");
  link("sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../kernel/iommu_groups/7");
  put("dev/vfio/7", "");
  fs::permissions(root_ / "dev/vfio/7", fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(about("user", {"-a", "01:00.0"}),
              Contains(is(Level::kFail, "may not open /dev/vfio/7", "chown 1000 /dev/vfio/7")));
  ASSERT_EQ(chown((root_ / "dev/vfio/7").c_str(), 1000, 1000), 0);
  EXPECT_THAT(about("user", {"-a", "01:00.0"}),
              Each(Not(Field("level", &Finding::level, Level::kFail))));
}

TEST_F(DoctorTest, LockedMemory) {
  user(1000, "0000000000000000");
  put("proc/self/limits",
      "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         65536                65536  "
      "              bytes     \n");
  EXPECT_THAT(about("user", {"-a", "01:00.0"}),
              Contains(is(Level::kWarn, "at most 65536 bytes", "ulimit -l")));
}

TEST_F(DoctorTest, InterfacesOfVirtualDevices) {
  put("sys/class/net/eth0/mtu", "1500\n");
  put("sys/class/net/eth0/flags", "0x1003\n");
  put("sys/class/net/eth1/mtu", "9000\n");
  put("sys/class/net/eth1/flags", "0x1002\n");
  const std::vector<std::string> eal{"--vdev=net_af_packet0,iface=eth0,framesz=16384",
                                     "--vdev=net_pcap0,iface=eth1",
                                     "--vdev=net_af_packet1,iface=eth7", "--vdev=net_null0"};
  const auto found = about("interface", eal, 0, 9000);
  EXPECT_EQ(found.size(), 3U);
  EXPECT_THAT(found, Contains(is(Level::kFail, "interface eth0 has MTU 1500, and 9000 is asked for",
                                 "--mtu=1500, or ip link set eth0 mtu 9000")));
  EXPECT_THAT(found, Contains(is(Level::kFail, "interface eth1 is down", "ip link set eth1 up")));
  EXPECT_THAT(found, Contains(is(Level::kFail, "no interface eth7", "ip link")));
  EXPECT_THAT(about("interface", {"--vdev=net_pcap0,rx_iface=eth0,tx_iface=eth0,rx_iface_in=no",
                                  "--vdev=net_pcap1,rx_pcap=eth9,tx_iface=eth8", "--vdev",
                                  "net_tap0,iface=new,remote=gone"}),
              testing::ElementsAre(is(Level::kOk, "eth0 is up"),
                                   is(Level::kFail, "no interface no", "ip link"),
                                   is(Level::kFail, "no interface eth8", "ip link"),
                                   is(Level::kFail, "no interface gone", "ip link")));
  EXPECT_THAT(about("interface", eal, 0, 1500),
              Contains(is(Level::kOk, "interface eth0 is up, MTU 1500")));
}

/// Every finding that isn't good says what mends it; an empty machine is no reason to crash.
TEST_F(DoctorTest, WhatIsWrongCanBeMended) {
  fs::remove_all(root_);
  for (const std::vector<std::string>& eal : {std::vector<std::string>{},
                                              {"-a", "x"},
                                              {"--lcores", "(0@"},
                                              {"-c", "zz"},
                                              {"-l", "9-"},
                                              {"-m"}})
    for (const Finding& f : examine(eal)) {
      EXPECT_FALSE(f.text.empty());
      EXPECT_TRUE(f.level == Level::kOk || !f.mend.empty()) << f.text;
    }
}

}  // namespace
}  // namespace bab
