#include <bab/base/eal.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <bab/base/error.hpp>
#include <bab/doctor/doctor.hpp>

#include "../../../src/detail/dpdk/eal_options.hpp"
#include "in_child.hpp"

namespace bab::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string text(const std::vector<unsigned>& ids) {
  std::string s;
  for (unsigned id : ids) s += std::to_string(id) + ' ';
  return s;
}

/// Starts EAL in a child process. In the good case the result is "started", and nothing is printed.
Said start(const std::vector<std::string>& args) {
  return in_child([&] {
    const Eal eal(args);
    return std::string("started");
  });
}

TEST(Eal, StartsAndEndsWithoutAWord) {
  const Said said = start(kPlain);
  EXPECT_EQ(said.result, "started");
  EXPECT_EQ(said.output, "");
  EXPECT_EQ(said.status, 0);
}

TEST(Eal, WorkersAreAllButTheMainLcore) {
  const Said said = in_child([] {
    const Eal eal(kPlain);
    return std::to_string(rte_lcore_id()) + ": " + text(eal.workers());
  });
  EXPECT_EQ(said.result, "0: 1 3 ");
}

TEST(Eal, MainLcoreNeedNotBeTheFirst) {
  const Said said = in_child([] {
    const Eal eal(plain_and({"--main-lcore=1"}));
    return std::to_string(rte_lcore_id()) + ": " + text(eal.workers());
  });
  EXPECT_EQ(said.result, "1: 0 3 ");
}

TEST(Eal, LeavesTheCallersOutputAsItWas) {
  const Said said = in_child([] {
    std::printf("before ");
    const Eal eal(kPlain);
    std::printf("after");
    return std::string("started");
  });
  EXPECT_EQ(said.output, "before after");
}

TEST(Eal, LeavesAClosedOutputClosed) {
  const Said said = in_child([] {
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    const Eal eal(kPlain);
    return std::string(write(STDOUT_FILENO, "x", 1) < 0 ? "closed" : "open");
  });
  EXPECT_EQ(said.result, "closed");
}

TEST(Eal, PrintsWhatLogLevelAsksFor) {
  EXPECT_THAT(start(plain_and({"--log-level=lib.eal:debug"})).output, HasSubstr("EAL: "));
  EXPECT_THAT(start(plain_and({"--log-level", "lib.eal:debug"})).output, HasSubstr("EAL: "));
}

TEST(Eal, MovesWithWhatItOwns) {
  const Said said = in_child([] {
    Eal first(kPlain);
    const Eal second(std::move(first));
    return text(second.workers());
  });
  EXPECT_EQ(said.result, "1 3 ");
  EXPECT_EQ(said.status, 0);
}

TEST(Eal, CanNotBeStartedTwice) {
  const Said said = in_child([] {
    const Eal first(kPlain);
    const Eal second(kPlain);
    return std::string("started twice");
  });
  EXPECT_THAT(said.result, StartsWith("Error: starting EAL: this process has an EAL, or had one"));
  EXPECT_EQ(said.output, "");
}

TEST(Eal, EmbeddedArgumentsGiveTwoWorkersAndAMainLcoreThatFloats) {
  const Said said = in_child([] {
    cpu_set_t before;
    CPU_ZERO(&before);
    sched_getaffinity(0, sizeof before, &before);
    const Eal eal(embedded_eal_args());
    const rte_cpuset_t main = rte_lcore_cpuset(rte_lcore_id());
    return std::to_string(rte_lcore_id()) + ": " + text(eal.workers()) +
           (CPU_EQUAL(&main, &before) ? "floats" : "is bound");
  });
  EXPECT_EQ(said.result, "0: 1 2 floats");
  EXPECT_EQ(said.output, "");
}

TEST(Eal, EmbeddedArgumentsGiveEachWorkerACpuOfItsOwn) {
  const Said said = in_child([] {
    cpu_set_t before;
    CPU_ZERO(&before);
    sched_getaffinity(0, sizeof before, &before);
    const Eal eal(embedded_eal_args());
    const rte_cpuset_t one = rte_lcore_cpuset(1), two = rte_lcore_cpuset(2);
    if (CPU_COUNT(&one) != 1 || CPU_COUNT(&two) != 1) return std::string("several CPUs");
    const bool same = CPU_EQUAL(&one, &two);
    return std::string(same == (CPU_COUNT(&before) == 1) ? "right" : "wrong");
  });
  EXPECT_EQ(said.result, "right");
}

TEST(Eal, EmbeddedArgumentsKeepToTheCpusAllowed) {
  const Said said = in_child([] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &allowed)) --last;
    CPU_ZERO(&allowed);
    CPU_SET(last, &allowed);
    sched_setaffinity(0, sizeof allowed, &allowed);
    const Eal eal(embedded_eal_args());
    for (unsigned lcore : {0U, 1U, 2U}) {
      const rte_cpuset_t cpus = rte_lcore_cpuset(lcore);
      if (!CPU_EQUAL(&cpus, &allowed)) return std::string("beyond");
    }
    return text(eal.workers());
  });
  EXPECT_EQ(said.result, "1 2 ");
}

// Every failure gives one sentence, and nothing is printed.

void expect_error(const std::vector<std::string>& args, const std::string& part) {
  const Said said = start(args);
  EXPECT_THAT(said.result, StartsWith("Error: "));
  EXPECT_THAT(said.result, HasSubstr(part));
  EXPECT_THAT(said.result, Not(HasSubstr("\n")));
  EXPECT_EQ(said.output, "");
  EXPECT_EQ(said.status, 0);
}

TEST(Eal, RefusesAnUnknownOption) {
  expect_error(plain_and({"--no-such-option"}), "unrecognized option '--no-such-option'");
}

TEST(Eal, RefusesABadLcoreList) { expect_error({"--no-huge", "--lcores", "nonsense"}, "lcore"); }

TEST(Eal, RefusesACpuThatIsNotThere) {
  expect_error({"--no-huge", "--no-pci", "--no-shconf", "--lcores", "0@1000"},
               "CPU 1000 doesn't exist");
}

TEST(Eal, RefusesOptionsThatExcludeEachOther) {
  expect_error({"-a", "01:00.0", "-b", "02:00.0"},
               "-a cannot be specified together with -b; leave");
  for (const auto& [one, other, mend] : detail::dpdk::exclusive_options())
    if (one == "--no-huge" && other == "--in-memory")  // before DPDK 25.11
      expect_error({"--no-huge", "--in-memory"},
                   "together with --in-memory; leave --in-memory out");
}

TEST(Eal, RefusesAnArgumentThatIsNoOption) { expect_error(plain_and({"stray"}), "\"stray\""); }

TEST(Eal, NamesTheStrayArgumentWhereverItStands) {
  std::vector<std::string> args = kPlain;
  args.insert(args.begin(), "stray");
  expect_error(args, "\"stray\"");
}

TEST(Eal, RefusesAVdevOfNoDriver) {
  expect_error(plain_and({"--vdev=no_such_driver0"}), "no_such_driver0");
}

TEST(Eal, RefusesAVdevThatFailedToProbe) {
  expect_error(plain_and({"--vdev=net_pcap0,rx_pcap=/nowhere/at/all.pcap"}),
               "--vdev=net_pcap0,rx_pcap=/nowhere/at/all.pcap did not become a port");
}

TEST(Eal, SaysWhatTheDoctorSaysOfAVdev) {
  expect_error(
      plain_and({"--vdev=net_af_packet0,iface=nosuchif"}),
      "did not become a port: there is no interface nosuchif; choose one that ip link shows");
}

TEST(Eal, RefusesAVdevGivenInTwoArguments) {
  expect_error(plain_and({"--vdev", "net_pcap0,rx_pcap=/nowhere/at/all.pcap"}),
               "did not become a port");
}

TEST(Eal, LooksAtEveryVdev) {
  expect_error(plain_and({"--vdev=net_null0", "--vdev=net_pcap0,rx_pcap=/nowhere.pcap"}),
               "net_pcap0");
}

/// A program that includes doctor.hpp, as this one does, makes Eal ask the doctor. Eal itself knows
/// of no doctor.
TEST(Eal, AsksTheDoctorWhyAVdevFailed) {
  const std::vector<std::string> args = plain_and({"--vdev=net_af_packet0,iface=nowhere0"});
  constexpr std::string_view kDoctors = "there is no interface nowhere0; choose one that";
  EXPECT_THAT(start(args).result, HasSubstr(kDoctors));
  const Said said = in_child([&] {
    detail::set_diagnose(nullptr);
    return start(args).result;
  });
  EXPECT_THAT(said.result, HasSubstr("net_af_packet0,iface=nowhere0 did not become a port"));
  EXPECT_THAT(said.result, Not(HasSubstr(kDoctors)));
}

TEST(Eal, MakesPortsOfVdevs) {
  const Said said = in_child([] {
    const Eal eal(plain_and({"--vdev=net_null0", "--vdev", "net_null7,size=128"}));
    std::uint16_t id;
    return std::to_string(rte_eth_dev_count_avail()) +
           (rte_eth_dev_get_port_by_name("net_null7", &id) == 0 ? " named" : " unnamed");
  });
  EXPECT_EQ(said.result, "2 named");
}

TEST(Eal, EndsAfterAVdevFailed) {
  // EAL had started and was cleaned up. It has no ports any more.
  const Said said = in_child([] {
    try {
      const Eal eal(plain_and({"--vdev=net_null0", "--vdev=no_such_driver0"}));
    } catch (const Error&) {
      return std::to_string(rte_eth_dev_count_avail());
    }
    return std::string("started");
  });
  EXPECT_EQ(said.result, "0");
}

// bab adds --in-memory, unless the user says where EAL's files go.

TEST(Eal, AddsNoInMemoryToNoHuge) {
  // EAL would refuse --no-huge and --in-memory together.
  for (const char* no_huge : {"--no-huge", "--no-hug"}) {
    if (!detail::dpdk::getopt_reads_eal_arguments() && std::string_view(no_huge) == "--no-hug")
      continue;
    std::vector<std::string> args = kPlain;
    args[0] = no_huge;
    EXPECT_EQ(start(args).result, "started") << no_huge << ", as getopt_long takes it";
  }
}

TEST(Eal, AddsInMemoryUnlessToldWhereFilesGo) {
  // Whether EAL starts with these arguments depends on the machine. EAL keeps its arguments only
  // for telemetry. The test sees them in another way: an option that excludes --in-memory gives an
  // error that names --in-memory.
  const auto result = [](const std::vector<std::string>& more) {
    std::vector<std::string> args{"--no-pci", "--no-telemetry", "--no-shconf"};
    args.insert(args.end(), more.begin(), more.end());
    return start(args).result;
  };
  for (const std::vector<std::string>& files : {std::vector<std::string>{"--huge-unlink=never"},
                                                {"--huge-unlink"},
                                                {"--huge-dir=/nowhere"},
                                                {"--huge-dir", "/nowhere"},
                                                {"--legacy-mem"}})
    EXPECT_THAT(result(files), Not(HasSubstr("--in-memory"))) << files[0];
  EXPECT_THAT(result({"--huge-unlink=never", "--in-memory"}), HasSubstr("--in-memory; leave"));
}

TEST(Eal, ArgumentsComeBackUntouched) {
  const Said said = in_child([] {
    const std::vector<std::string> args = plain_and({"--vdev=net_null0,size=64"});
    const Eal eal(args);
    return std::string(args == plain_and({"--vdev=net_null0,size=64"}) ? "same" : "changed");
  });
  EXPECT_EQ(said.result, "same");
}

// An EAL that a host application started.

TEST(Eal, AdoptsWhatAHostHasInitialised) {
  const Said said = in_child([] {
    if (!init_eal(plain_and({"--log-level=1"}))) return std::string("no EAL");
    std::string workers;
    {
      const Eal eal = Eal::adopt();
      workers = text(eal.workers());
    }
    // Nothing was cleaned up: EAL still gives memory.
    void* memory = rte_malloc(nullptr, 64, 0);
    return workers + (memory != nullptr ? "and memory" : "and none");
  });
  EXPECT_EQ(said.result, "1 3 and memory");
}

TEST(Eal, DoesNotAdoptWhatIsNotThere) {
  EXPECT_THAT(in_child([] {
                const Eal eal = Eal::adopt();
                return std::string("adopted");
              }).result,
              StartsWith("Error: adopting EAL: this thread is no lcore"));
}

TEST(Eal, AdoptsOnARegisteredThreadOnly) {
  const Said said = in_child([] {
    const Eal eal(kPlain);
    std::string result;
    std::thread([&] {
      try {
        const Eal adopted = Eal::adopt();
      } catch (const Error&) {
        result = "refused, ";
      }
      if (rte_thread_register() != 0) return;
      const Eal adopted = Eal::adopt();
      result += "then adopted";
      rte_thread_unregister();
    }).join();
    return result;
  });
  EXPECT_EQ(said.result, "refused, then adopted");
}

}  // namespace
}  // namespace bab::test
