#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/doctor/doctor.hpp>

#include "../../../src/detail/dpdk/eal_options.hpp"
#include "doctor_machine.hpp"

namespace bab {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DoctorTest : public test::DoctorMachine {};

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
              Contains(is(Level::kWarn, "--no-huge runs without them", "nr_hugepages")));
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
  // A NIC on another NUMA node is slower, but still works.
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

TEST_F(DoctorTest, WhatCannotBeReadIsPassedOver) {
  for (const char* path :
       {"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "proc/cpuinfo", "proc/net/route",
        "sys/devices/system/cpu/isolated", "proc/self/limits"}) {
    fs::remove_all(root_ / path);
    fs::create_directories(root_ / path);
  }
  EXPECT_THAT(about("cpu", {"-l", "0-2"}), Not(IsEmpty()));
}

TEST_F(DoctorTest, LcoresThatShareACpu) {
  EXPECT_THAT(about("cpu", {"--lcores", "0@0,1@1,2@1,3@(1,2)"}),
              Contains(is(Level::kWarn, "lcores 1 and 2 share CPU 1", "-l 0-3")));
  EXPECT_THAT(about("cpu", {"--lcores=0@0,1@1,2@2"}),
              Not(Contains(Field("text", &Finding::text, HasSubstr("share")))));
}

TEST_F(DoctorTest, LcoresThatShareFewerCpus) {
  EXPECT_THAT(about("cpu", {"--lcores", "(0-3)@(0,1)"}),
              Contains(is(Level::kWarn, "lcores 1, 2 and 3 share CPUs 0 and 1, which are too few",
                          "-l 0-3")));
}

/// No mend names a CPU that the machine doesn't have or that this process may not use.
TEST_F(DoctorTest, MendsAreOfCpusThereAre) {
  put("sys/devices/system/cpu/online", "0-1\n");
  EXPECT_THAT(
      about("cpu", {"--lcores", "0@0,1@1,2@1"}),
      Contains(is(Level::kWarn, "share CPU 1", "a CPU of its own: --lcores 0@(0-1),1@0,2@1")));
  EXPECT_THAT(about("cpu", {"--lcores", "0@0,1@1,2@1,3@1"}),
              Contains(is(Level::kWarn, "share CPU 1",
                          "may use 0-1; use fewer workers: --lcores 0@(0-1),1@0,2@1")));
  EXPECT_THAT(about("cpu", {"-l", "0-2"}),
              testing::ElementsAre(is(Level::kFail, "CPU 2 doesn't exist",
                                      "choose from 0-1, as in --lcores 0@(0-1),1@0,2@1")));
  EXPECT_THAT(about("cpu", {"-l", "1"}),
              Contains(is(Level::kFail, "no worker lcore", "--lcores 0@(0-1),1@0,2@1")));
}

TEST_F(DoctorTest, CpusOfACpuset) {
  put("proc/self/status", "Uid:\t0\t0\t0\t0\nCpus_allowed_list:\t5-7\n");
  EXPECT_THAT(about("cpu", {"-l", "0,5"}),
              testing::ElementsAre(is(
                  Level::kFail,
                  "may not use CPU 0, and lcore 0 has no other CPU: this process's cpuset has 5-7",
                  "choose from 5-7, as in -l 5-6, or give its container")));
  EXPECT_THAT(about("cpu", {"--lcores", "0@(0-7),1@(4,5)"}),
              Not(Contains(Field("level", &Finding::level, Level::kFail))));
  // The CPUs that EAL takes when no argument names any.
  EXPECT_THAT(about("cpu", {}), Contains(is(Level::kOk, "2 worker lcores")));
}

TEST_F(DoctorTest, LcoresOfTooHighNumbersAndAMainOneThatIsNone) {
  put("sys/devices/system/cpu/online", "0-1023\n");
  EXPECT_THAT(about("cpu", {"-l", "0,1000"}),
              Contains(is(Level::kFail, "lcore 1000 >= RTE_MAX_LCORE", "--lcores 0@0,1@1023")));
  EXPECT_THAT(about("cpu", {"-l", "0-1", "--main-lcore=3"}),
              Contains(is(Level::kFail, "main lcore 3 is none", "--main-lcore")));
}

/// cgroup version 1 has a folder for each controller. Version 2 has one folder for all.
TEST_F(DoctorTest, ThreadsOfACgroup) {
  for (const auto& [line, folder] :
       {std::pair<std::string, std::string>{"8:pids:/a/b\n", "sys/fs/cgroup/pids"},
        {"0::/a/b\n", "sys/fs/cgroup"}}) {
    put("proc/self/cgroup", "9:name=systemd:/\n" + line);
    put(folder + "/a/pids.max", "10\n");
    put(folder + "/a/pids.current", "8\n");
    put(folder + "/a/b/pids.max", "max\n");
    put(folder + "/a/b/pids.current", "1\n");
    EXPECT_THAT(about("threads", {"-l", "0-2", "--no-huge", "--no-shconf"}),
                testing::ElementsAre(is(Level::kFail,
                                        "3 more threads are needed, and there is room for 2: "
                                        "pids.max of cgroup /a is 10",
                                        "echo 11 > /" + folder + "/a/pids.max, or")));
    EXPECT_THAT(about("threads", {"-l", "0-1", "--no-huge", "--no-shconf"}),
                testing::ElementsAre(is(Level::kOk, "2 more threads are needed")));
    EXPECT_THAT(about("threads", {"-l", "0-1", "--no-huge"}),
                testing::ElementsAre(is(Level::kFail, "3 more threads are needed", "echo 11")));
    fs::remove_all(root_ / "sys/fs");
  }
  EXPECT_THAT(about("threads", {}), IsEmpty());
}

/// A container sees its own cgroup at the top, but /proc gives the name in the machine's tree.
TEST_F(DoctorTest, ThreadsOfAContainer) {
  put("proc/self/cgroup", "8:pids:/docker/0123\n");
  put("sys/fs/cgroup/pids/pids.max", "3\n");
  put("sys/fs/cgroup/pids/pids.current", "1\n");
  EXPECT_THAT(about("threads", {"-l", "0-2", "--no-huge", "--no-shconf"}),
              testing::ElementsAre(is(Level::kFail, "room for 2: pids.max of cgroup / is 3",
                                      "echo 4 > /sys/fs/cgroup/pids/pids.max")));
}

TEST_F(DoctorTest, ThreadsOfAUser) {
  put("proc/self/limits",
      "Limit  Soft Limit  Hard Limit  Units\nMax processes  12  12  processes\n");
  put("proc/7/status", "Uid:\t1000\t0\t0\t0\nThreads:\t6\n");
  put("proc/8/status", "Uid:\t1000\t1000\t0\t0\nThreads:\t4\n");
  put("proc/9/status", "Uid:\t1\t1000\t0\t0\nThreads:\t40\n");
  // the user is root
  EXPECT_THAT(about("threads", {"-l", "0-2", "--no-huge", "--no-shconf"}), IsEmpty());
  user(1000, "0000000000000000");
  EXPECT_THAT(about("threads", {"-l", "0-2", "--no-huge", "--no-shconf"}),
              testing::ElementsAre(
                  is(Level::kFail, "room for 2: user 1000 may have 12", "ulimit -u 13 (nproc")));
}

TEST_F(DoctorTest, MemoryOfAllSockets) {
  pages(0, "2048", 9, 9);
  EXPECT_THAT(about("hugepages", {"--socket-mem=1024,1024"}),
              Contains(is(Level::kFail, "2 GiB are needed", "echo 1024 >")));
}

TEST_F(DoctorTest, TheMainLcoreIsNoWorker) {
  EXPECT_THAT(about("cpu", {"--lcores", "0@0,1@0"}), Contains(is(Level::kOk, "1 worker lcore,")));
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
  EXPECT_THAT(found, Contains(is(Level::kWarn, "the workers' CPU 2, too",
                                 "isolcpus=1,2 nohz_full=1,2 rcu_nocbs=1,2 ")));
  EXPECT_THAT(found, Contains(is(Level::kWarn, "CPU 2 has the frequency governor powersave",
                                 "echo performance")));
}

TEST_F(DoctorTest, NotAllCpusAreIsolated) {
  put("sys/devices/system/cpu/online", "0-1\n");
  EXPECT_THAT(
      about("cpu", {"--lcores=(2)@(0-1),0@0,1@1", "--main-lcore=2"}),
      Contains(is(Level::kWarn, "the workers' CPUs 0 and 1, too", "leave other processes a CPU")));
}

TEST_F(DoctorTest, CpuThatIsNotThere) {
  EXPECT_THAT(about("cpu", {"-l", "0,9"}),
              Contains(is(Level::kFail, "CPU 9 doesn't exist", "0-7")));
  EXPECT_THAT(about("cpu", {"-l", "0,8,9"}),
              Contains(is(Level::kFail, "CPUs 8 and 9 don't exist or are offline", "0-7")));
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
                          "setcap cap_net_raw,cap_net_admin+ep PROGRAM")));
  link("proc/self/exe", "/opt/bin/bus");
  EXPECT_THAT(about("user", {"--vdev", "net_tap0"}),
              Contains(is(Level::kFail, "", "setcap cap_net_admin+ep /opt/bin/bus")));
  user(1000, "0000000000003000");  // both capabilities
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
                                 "ip link set eth0 mtu 9000, or lower the MTU to 1500")));
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

TEST_F(DoctorTest, OptionsThatAStartRefuses) {
  const auto of = [&](std::vector<std::string> eal) { return about("options", std::move(eal)); };
  using testing::ElementsAre;
  EXPECT_THAT(of({"-l", "zero"}),
              ElementsAre(is(Level::kFail, "invalid value, -l zero", "core list")));
  EXPECT_THAT(of({"-l", "0; 1"}),
              ElementsAre(is(Level::kFail, "invalid value, -l 0; 1", "core list")));
  EXPECT_THAT(
      of({"-l", "0-1", "--nonsense"}),
      ElementsAre(is(Level::kFail, "unrecognized option '--nonsense'", "-h lists EAL's options")));
  EXPECT_THAT(of({"-b", "02:00.0", "-a", "01:00.0"}),
              ElementsAre(is(Level::kFail, "cannot be specified together", "leave")));
  EXPECT_THAT(of({"-l", "0-1"}), IsEmpty());
  // Without getopt, EAL takes -l for --lcores, which accepts 1-0.
  if (!detail::dpdk::getopt_reads_eal_arguments()) return;
  EXPECT_THAT(of({"-l", "1-0"}), ElementsAre(is(Level::kFail, "there is no core in -l 1-0",
                                                "ranges go upwards: -l 0-1")));
}

/// Nothing is reported as good about lcores that are written wrongly. Another error in the
/// arguments hides no finding.
TEST_F(DoctorTest, LcoresThatCannotBeRead) {
  for (const char* lcores : {"zero", "0,,1", "()", "0-1-2@0"})
    EXPECT_THAT(about("cpu", {"--lcores", lcores}), IsEmpty()) << lcores;
  EXPECT_THAT(about("cpu", {"-l", "0-1"}), Not(IsEmpty()));
  EXPECT_THAT(about("cpu", {"-l", "0,999", "--nonsense"}),
              Contains(is(Level::kFail, "lcore 999", "--lcores")));
}

/// Every finding that isn't good names a mend. An empty machine must not cause a crash.
TEST_F(DoctorTest, WhatIsWrongCanBeMended) {
  fs::remove_all(root_);
  for (const std::vector<std::string>& eal : {std::vector<std::string>{},
                                              {"-a", "x"},
                                              {"--lcores", "(0@"},
                                              {"-c", "zz"},
                                              {"-l", "9-"},
                                              {"-l", "2-1"},
                                              {"--nonsense"},
                                              {"-m"}})
    for (const Finding& f : examine(eal)) {
      EXPECT_FALSE(f.text.empty());
      EXPECT_TRUE(f.level == Level::kOk || !f.mend.empty()) << f.text;
    }
}

}  // namespace
}  // namespace bab
