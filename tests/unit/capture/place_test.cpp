// On which CPUs a capture's writing thread runs, beside lcores that run and lcores that don't.

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <rte_lcore.h>

#include <bab/capture/capture.hpp>

#include "capturing_port.hpp"
#include "lcores.hpp"

namespace bab {
namespace {

class CapturePlaceTest : public test::CapturingPort {
 protected:
  static pid_t writer() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::ifstream(task.path() / "comm") >> name;
      if (name == "bab-capture") return std::stoi(task.path().filename());
    }
    ADD_FAILURE() << "no writing thread";
    return 0;
  }
  static cpu_set_t both_lcores_cpus() {
    const rte_cpuset_t one = rte_lcore_cpuset(1), two = rte_lcore_cpuset(2);
    cpu_set_t both;
    CPU_OR(&both, &one, &two);
    return both;
  }
  /// Waits until the writing thread may use exactly these CPUs. False after 20 s.
  static bool comes_to(const cpu_set_t& cpus) {
    const pid_t thread = writer();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      cpu_set_t now;
      if (sched_getaffinity(thread, sizeof now, &now) != 0) return false;
      if (CPU_EQUAL(&now, &cpus)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
};

/// Lcore 1 shares the CPU of the main lcore. Lcore 2 has the other CPU. EAL gives new threads only
/// the CPU of the main lcore.
TEST_F(CapturePlaceTest, OnlyLcoresThatRunTakeTheirCpus) {
  const rte_cpuset_t one = rte_lcore_cpuset(1), two = rte_lcore_cpuset(2);
  if (CPU_EQUAL(&one, &two)) GTEST_SKIP() << "one CPU";
  std::atomic<bool> end_one{false}, end_two{false};
  const auto until = [](const std::atomic<bool>& end) {
    return [&end] {
      while (!end.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
  };
  auto work_one = until(end_one), work_two = until(end_two);
  test::start_on(1, work_one);
  Capture capture(ports_, to_file());
  EXPECT_TRUE(comes_to(two)) << "lcore 2 has nothing to run";
  test::start_on(2, work_two);
  EXPECT_TRUE(comes_to(both_lcores_cpus())) << "no CPU is free";
  end_one = true;
  test::wait_for(1, work_one);
  EXPECT_TRUE(comes_to(one)) << "lcore 1 has ended";
  end_two = true;
  test::wait_for(2, work_two);
  EXPECT_TRUE(comes_to(both_lcores_cpus())) << "no lcore runs";
  send("x");
  capture.stop();
  EXPECT_EQ(capture.stats().written, 1U);
}

}  // namespace
}  // namespace bab
