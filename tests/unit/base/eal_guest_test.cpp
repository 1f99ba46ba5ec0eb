#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <clocale>
#include <csignal>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_debug.h>
#include <rte_log.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>
#include <bab/detail/check.hpp>
#include <bab/memory/buffer_pool.hpp>

#include "in_child.hpp"

namespace bab::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Runs `work` while another thread writes numbered lines. Some lines come before `work`, and some
/// after it. Returns the number of lines.
std::string written_by_another_thread_during(const std::function<void()>& work) {
  std::atomic<bool> stop{false};
  std::atomic<unsigned> n{0};
  std::thread writer([&] {
    while (!stop) {
      const std::string line = "line " + std::to_string(n) + "\n";
      if (write(n % 2 == 0 ? STDOUT_FILENO : STDERR_FILENO, line.data(), line.size()) > 0) ++n;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  const auto more = [&n](unsigned from) {
    while (n < from + 10) std::this_thread::yield();
  };
  more(0);
  work();
  more(n);
  stop = true;
  writer.join();
  return std::to_string(n);
}

std::string numbered_lines(const std::string& count) {
  std::string all;
  for (unsigned i = 0; i < std::stoul(count); ++i) all += "line " + std::to_string(i) + "\n";
  return all;
}

TEST(EalGuest, TakesNobodysOutputAway) {
  const Said said =
      in_child([] { return written_by_another_thread_during([] { const Eal eal(kPlain); }); });
  ASSERT_NE(said.result, "");
  EXPECT_EQ(said.output, numbered_lines(said.result));
}

TEST(EalGuest, TakesNobodysOutputAwayWhereItFails) {
  const Said said = in_child([] {
    return written_by_another_thread_during([] {
      try {
        const Eal eal(plain_and({"--vdev=net_nonesuch0"}));
      } catch (const Error&) {
      }
    });
  });
  ASSERT_NE(said.result, "");
  EXPECT_EQ(said.output, numbered_lines(said.result));
}

TEST(EalGuest, LeavesSignalsTheLocaleAndDescriptorsAlone) {
  const Said said = in_child([] {
    std::setlocale(LC_ALL, "C.UTF-8");
    struct sigaction mine {};
    mine.sa_handler = [](int) {};
    for (const int signal : {SIGUSR1, SIGBUS, SIGPIPE, SIGTERM}) sigaction(signal, &mine, nullptr);
    const auto look = [] {
      std::string all = std::setlocale(LC_ALL, nullptr);
      for (int signal = 1; signal < SIGRTMAX; ++signal) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) != 0) continue;
        all += ' ' + std::to_string(reinterpret_cast<std::uintptr_t>(now.sa_handler)) + '/' +
               std::to_string(now.sa_flags);
      }
      sigset_t blocked;
      pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
      for (int signal = 1; signal < SIGRTMAX; ++signal)
        all += std::to_string(sigismember(&blocked, signal));
      for (const char* fd : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"}) {
        char target[256] = {};
        (void)!readlink(fd, target, sizeof target - 1);
        all += target;
      }
      return all;
    };
    const std::string before = look();
    std::string with;
    {
      const Eal eal(kPlain);
      with = look();
    }
    return std::string(before == with ? "same, " : "changed, ") +
           (before == look() ? "same" : "changed");
  });
  EXPECT_EQ(said.result, "same, same");
}

/// If the last line of EAL's log doesn't give the reason, the error takes it from EAL's other
/// lines. Nothing is printed, with one exception: before DPDK 24.11, EAL writes one line past its
/// log.
TEST(EalGuest, AStartThatFailsInsideSaysWhyAndPrintsAtMostEalsLine) {
  const Said said = in_child([] {
    std::vector<std::string> args = kPlain;
    *std::next(std::find(args.begin(), args.end(), "-m")) = "99999999";
    const Eal eal(args);
    return std::string("started");
  });
  EXPECT_THAT(said.result, HasSubstr("; ask for less memory"));
  EXPECT_THAT(said.output, testing::AnyOf("", StartsWith("EAL: FATAL: ")));
}

/// A host that has set a stream for DPDK's log keeps this stream.
TEST(EalGuest, AStreamOfTheHostsGetsTheLogAndIsItsAgain) {
  const Said said = in_child([] {
    std::FILE* mine = std::tmpfile();
    rte_openlog_stream(mine);
    {
      const Eal eal(kPlain);
      rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "to the host\n");
    }
    const bool is_mine = rte_log_get_stream() == mine;
    std::rewind(mine);
    char text[64 * 1024] = {};
    const std::string all(text, std::fread(text, 1, sizeof text, mine));
    return std::string(is_mine ? "mine" : "another") +
           (all.find("to the host\n") != all.npos ? ", heard" : "");
  });
  EXPECT_EQ(said.result, "mine, heard");
  EXPECT_EQ(said.output, "");
}

/// DPDK's own stream for syslog has no file behind it. A second Eal that is refused doesn't close
/// that stream.
TEST(EalGuest, AnEalOfTheHostsKeepsItsSyslogWhereOursIsRefused) {
  const Said said = in_child([] {
    if (!init_eal(plain_and({"--syslog=user"}))) return std::string("no EAL");
    std::FILE* const its = rte_log_get_stream();
    std::string result = "started";
    try {
      const Eal second(kPlain);
    } catch (const Error&) {
      result = "refused";
    }
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "to syslog\n");
    return result + (rte_log_get_stream() == its ? ", its own" : ", another");
  });
  EXPECT_EQ(said.result, "refused, its own");
  EXPECT_EQ(said.status, 0);
}

TEST(EalGuest, AStreamOfTheHostsThatIsNoFileGetsTheLog) {
  const Said said = in_child([] {
    static std::string heard;
    cookie_io_functions_t io{};
    io.write = [](void*, const char* data, std::size_t n) -> ssize_t {
      heard.append(data, n);
      return static_cast<ssize_t>(n);
    };
    std::FILE* const mine = fopencookie(nullptr, "w", io);
    rte_openlog_stream(mine);
    {
      const Eal eal(kPlain);
      rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "to the host\n");
    }
    std::fflush(mine);
    return std::string(heard.find("to the host\n") != heard.npos ? "heard" : "unheard");
  });
  EXPECT_EQ(said.result, "heard");
  EXPECT_EQ(said.output, "");
}

TEST(EalGuest, APanicsWordsGoToStandardErrorAtOnce) {
  const Said said = in_child([]() -> std::string {
    const Eal eal(kPlain);
    rte_log(RTE_LOG_CRIT, RTE_LOGTYPE_USER1, "kept back\n");
    rte_panic("words of %s", "a panic");
  });
  EXPECT_TRUE(WIFSIGNALED(said.status) && WTERMSIG(said.status) == SIGABRT) << said.status;
  EXPECT_THAT(said.output, HasSubstr("PANIC in "));
  EXPECT_THAT(said.output, HasSubstr("words of a panic"));
  EXPECT_THAT(said.output, Not(HasSubstr("kept back")));
}

TEST(EalGuest, SoDoThoseOfRteExit) {
  const Said said = in_child([]() -> std::string {
    const Eal eal(kPlain);
    rte_exit(3, "words of %s\n", "an exit");
  });
  EXPECT_TRUE(WIFEXITED(said.status) && WEXITSTATUS(said.status) == 3) << said.status;
  EXPECT_THAT(said.output, HasSubstr("words of an exit"));
}

// After fork(), EAL belongs to the parent process.

/// Runs `work` in a child process. fork() makes it from a process with an EAL and a pool.
Said in_a_child_of_eals_process(const std::function<std::string(Eal&, BufferPool&)>& work,
                                bool destroys = false) {
  return in_child([&] {
    auto eal = std::make_unique<Eal>(kPlain);
    auto pool = std::make_unique<BufferPool>(BufferPoolOptions{.name = "forked", .buffers = 255});
    int out[2];
    if (pipe(out) != 0) return std::string("no pipe");
    std::string said;
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      std::string text;
      try {
        text = work(*eal, *pool);
      } catch (const Error& e) {
        text = std::string("Error: ") + e.what();
      }
      if (destroys) {
        pool.reset();
        eal.reset();
        text += ", destroyed";
      }
      (void)!write(out[1], text.data(), text.size());
      _exit(0);
    }
    close(out[1]);
    said = read_all(out[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) said += "signal " + std::to_string(WTERMSIG(status));
    // The parent can still use its EAL and its pool.
    rte_mbuf* m = pool->try_acquire();
    const std::string goes_on =
        m != nullptr && eal->workers().size() == 2 ? "; goes on" : "; broken";
    if (m != nullptr) BufferPool::release(m);
    return said + goes_on;
  });
}

TEST(EalFork, AChildCanMakeNothing) {
  EXPECT_THAT(in_a_child_of_eals_process([](Eal&, BufferPool&) {
                const BufferPool other({.name = "child's", .buffers = 255});
                return std::string("made");
              }).result,
              testing::AllOf(StartsWith("Error: creating pool child's"),
                             HasSubstr("child of fork()"), testing::EndsWith("; goes on")));
  EXPECT_THAT(in_a_child_of_eals_process([](Eal&, BufferPool&) {
                const Eal second(kPlain);
                return std::string("started");
              }).result,
              StartsWith("Error: starting EAL: this process has an EAL, or had one"));
}

TEST(EalFork, AChildMayDestroyWhatItHas) {
  EXPECT_EQ(in_a_child_of_eals_process(
                [](Eal&, BufferPool&) { return std::string("nothing used"); }, true)
                .result,
            "nothing used, destroyed; goes on");
}

TEST(EalFork, DebugChecksStopAChildThatUsesSomething) {
  if (!detail::kChecks) GTEST_SKIP() << "the library was built without debug checks";
  for (const auto& use : std::vector<std::function<std::string(Eal&, BufferPool&)>>{
           [](Eal&eal, BufferPool&) { return std::to_string(eal.workers().size()); },
           [](Eal&, BufferPool&pool) { return std::to_string(pool.stats().free); },
           [](Eal&, BufferPool&pool) {
             return std::string(pool.try_acquire() != nullptr ? "got" : "none");
           }}) {
    const Said said = in_a_child_of_eals_process(use);
    EXPECT_EQ(said.result, "signal " + std::to_string(SIGABRT) + "; goes on");
    EXPECT_THAT(said.output, HasSubstr("used in a child of fork()"));
  }
}

}  // namespace
}  // namespace bab::test
