#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <rte_log.h>

#include "../../../src/port/driver_words.hpp"

namespace bab::test {
namespace {

using detail::DriverWords;

/// Sends DPDK's log to a temporary file.
class LogFile {
 public:
  LogFile() : before_(rte_log_get_stream()), file_(std::tmpfile()) { rte_openlog_stream(file_); }
  ~LogFile() {
    rte_openlog_stream(before_);
    std::fclose(file_);
  }
  [[nodiscard]] std::FILE* file() const { return file_; }
  [[nodiscard]] std::string text() const {
    std::fflush(file_);
    std::rewind(file_);
    std::array<char, 4096> buffer{};
    return {buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file_)};
  }

 private:
  std::FILE* before_;
  std::FILE* file_;
};

void say(const char* line) { rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "%s\n", line); }

TEST(DriverWords, AreHeardAndGoWhereTheyWent) {
  const LogFile log;
  {
    const DriverWords words;
    say("eth_setup(): too few buffers.");
    say("Port0 dev_configure = -22");
    EXPECT_EQ(words.last(), "too few buffers");
  }
  say("later");
  EXPECT_EQ(rte_log_get_stream(), log.file());
  EXPECT_EQ(log.text(), "eth_setup(): too few buffers.\nPort0 dev_configure = -22\nlater\n");
}

// Two threads set up two ports at once.
TEST(DriverWords, OfTwoAtOnceEndInAnyOrder) {
  const LogFile log;
  for (const bool first_ends_first : {true, false}) {
    std::optional<DriverWords> a(std::in_place);
    std::optional<DriverWords> b(std::in_place);
    say("to both");
    EXPECT_EQ(a->last(), "to both");
    EXPECT_EQ(b->last(), "to both");
    (first_ends_first ? a : b).reset();
    say("to one");
    EXPECT_EQ((first_ends_first ? b : a)->last(), "to one");
    a.reset();
    b.reset();
    EXPECT_EQ(rte_log_get_stream(), log.file());
  }
  say("to nobody");
  EXPECT_EQ(log.text(), "to both\nto one\nto both\nto one\nto nobody\n");
}

TEST(DriverWords, LeaveALogAloneThatSomebodyTurnedElsewhere) {
  const LogFile log;
  const LogFile other;
  rte_openlog_stream(log.file());
  {
    const DriverWords words;
    rte_openlog_stream(other.file());
  }
  EXPECT_EQ(rte_log_get_stream(), other.file());
}

}  // namespace
}  // namespace bab::test
