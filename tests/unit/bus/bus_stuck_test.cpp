// Worker lcores with a task or poller that doesn't end. Each test runs in a child process, because
// such a Bus leaves its memory and its lcore as they are.
#include <atomic>
#include <chrono>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_pause.h>

#include <bab/base/error.hpp>
#include <bab/bus/bus.hpp>

#include "in_child.hpp"

namespace bab::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint32_t kStopMs = 200;

BusOptions bus_with_a_worker() {
  BusOptions o;
  o.eal = kPlain;
  o.ports = {{.device = "loopback", .mtu = 1500, .writers = 1, .backlog = 32}};
  o.cache = 0;
  o.stop_ms = kStopMs;
  return o;
}

/// Stops the bus. Gives "in time: " if the stop kept its time limit, else "late: ", and the
/// report's notes.
std::string stopped(Bus& bus) {
  const auto before = std::chrono::steady_clock::now();
  const StopReport& report = bus.stop();
  const auto took = std::chrono::steady_clock::now() - before;
  // 2 s more than the limit, because other programs may take the machine's CPUs.
  const bool in_time = took < std::chrono::milliseconds(kStopMs + 2'000);
  return fmt::format("{}: {}", in_time ? "in time" : "late", fmt::join(report.notes, "; "));
}

void await(const std::atomic<bool>& flag) {
  while (!flag.load(std::memory_order_acquire)) rte_pause();
}

TEST(BusThatIsStuck, ATaskThatNeverComesBackIsLeftBehind) {
  const Said said = in_child([] {
    static std::atomic<bool> begun{false};
    std::string result;
    {
      Bus bus(bus_with_a_worker());
      auto in = bus.subscribe({.from = "239.1.1.1:30001", .backlog = 32, .lcore = 1});
      bus.spawn(in, []() -> Task<> {
        begun = true;
        while (true) rte_pause();
        co_return;
      });
      bus.start();
      await(begun);
      result = stopped(bus);
      result += bus.stopped() ? ", stopped" : ", not stopped";
      bus.stop();  // does nothing more
    }
    return result + ", gone";
  });
  EXPECT_THAT(said.result, AllOf(StartsWith("in time: "),
                                 HasSubstr("tasks on lcore 1 had not ended after 190 ms"),
                                 HasSubstr("lcore 1 is in a task or a poller that does not return"),
                                 testing::EndsWith(", stopped, gone")));
}

struct Blocking {
  std::atomic<bool> begun{false};
  unsigned poll(std::uint64_t) noexcept {
    begun = true;
    while (true) rte_pause();
  }
};

TEST(BusThatIsStuck, APollerThatBlocksIsLeftBehind) {
  const Said said = in_child([] {
    static Blocking blocking;
    std::string result;
    {
      Bus bus(bus_with_a_worker());
      auto out = bus.publish({.session = "STUCK", .to = "239.1.1.1:30001", .lcore = 1});
      auto in = bus.subscribe({.from = "239.1.1.1:30001", .backlog = 32});
      bus.lcore(1).add(blocking);
      bus.spawn(out, [&out]() -> Task<> {
        out.send("never flushed");
        co_return;
      });
      bus.start();
      await(blocking.begun);
      result = stopped(bus);
      (void)in;
    }
    return result + ", gone";
  });
  EXPECT_THAT(said.result, AllOf(StartsWith("in time: "),
                                 HasSubstr("lcore 1 is in a task or a poller that does not return"),
                                 testing::EndsWith(", gone")));
}

/// The task lets others have their turn, and its lcore ends. Only the task and what it owns stay.
TEST(BusThatIsStuck, ATaskThatIgnoresItsCancellationIsToldOf) {
  const Said said = in_child([] {
    static std::atomic<bool> begun{false};
    std::string result;
    {
      Bus bus(bus_with_a_worker());
      auto in = bus.subscribe({.from = "239.1.1.1:30001", .backlog = 32, .lcore = 1});
      bus.spawn(in, []() -> Task<> {
        begun = true;
        while (true) co_await Yield();
      });
      bus.start();
      await(begun);
      result = stopped(bus);
      result += bus.report().is_full() ? ", full" : ", not full";
    }
    return result;
  });
  EXPECT_THAT(said.result, AllOf(StartsWith("in time: tasks on lcore 1 had not ended after 190 ms"),
                                 testing::EndsWith(", full")));
}

/// The Reservation's writer stays where it is. The Reservation may be settled or destroyed at any
/// later time.
TEST(BusThatIsStuck, AReservationThatIsNeverSettledHoldsItUpForItsPartOnly) {
  const Said said = in_child([] {
    BusOptions options = bus_with_a_worker();
    options.clock = BusClock::kCaller;
    Bus bus(options);
    auto out = bus.publish({.session = "OPEN", .to = "239.1.1.1:30001"});
    out.send("before");
    auto room = out.reserve(4);
    const std::uint64_t ms = rte_get_tsc_hz() / 1'000;
    bus.begin_stop();
    for (std::uint64_t now = 1; now <= kStopMs && !bus.stopped(); ++now) bus.turn(now * ms);
    room.abort();
    return fmt::format("{}, {}: {}", bus.stopped() ? "stopped" : "not stopped",
                       bus.report().is_full() ? "full" : "not full",
                       fmt::join(bus.report().notes, "; "));
  });
  EXPECT_THAT(said.result,
              AllOf(StartsWith("stopped, not full: not all that was written could be sent after "
                               "110 ms"),
                    HasSubstr("; a Reservation was never settled")));
}

}  // namespace
}  // namespace bab::test
