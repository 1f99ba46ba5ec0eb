#include "top_view.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace testbab {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TopSample at(double seconds, std::uint64_t messages) {
  TopSample s;
  s.seconds = seconds;
  s.sent = {messages, messages * 32, messages / 100};
  s.received = {messages / 2, messages * 16, messages / 200};
  s.levels = {{"tx_0", 250, 1000}};
  s.lcores = {{1, 0, messages, messages / 3, "generator"}};
  s.ports = {{0, "net_ring0", messages / 200, messages / 100, messages, 2 * messages, 0, 0, 0}};
  return s;
}

TEST(TopView, RatesAreThoseSinceTheLookBefore) {
  TopView view("loop");
  view.take(at(1, 1'000'000));
  view.take(at(3, 7'000'000));
  EXPECT_THAT(view.lines(80, 24),
              Contains(AllOf(StartsWith("sent"), HasSubstr("3.00 M"), HasSubstr("768 M"),
                             HasSubstr("30.0 k"), HasSubstr("100.0"), HasSubstr("7000000"))));
  EXPECT_THAT(view.lines(80, 24), Contains(AllOf(StartsWith("lcore 1"), HasSubstr("75 % busy"),
                                                 HasSubstr("generator"))));
  EXPECT_THAT(view.lines(80, 24), Contains(AllOf(StartsWith("tx_0"), HasSubstr("250 of 1000"))));
}

TEST(TopView, ClearBeginsTotalsAnew) {
  TopView view("loop");
  TopSample s = at(1, 1000);
  s.drops[1] = 5;
  view.take(s);
  view.clear();
  EXPECT_THAT(view.lines(80, 24), Contains("dropped    nothing"));
  s = at(2, 1500);
  s.drops[1] = 7;
  view.take(s);
  EXPECT_THAT(view.lines(80, 24), Contains(AllOf(StartsWith("sent"), testing::EndsWith(" 500"))));
  EXPECT_THAT(view.lines(80, 24),
              Contains(AllOf(StartsWith("dropped    not_ip"), HasSubstr(" 2  +2"))));
  s.seconds = 3;
  view.take(s);
  EXPECT_THAT(view.lines(80, 24),
              Contains(AllOf(StartsWith("dropped    not_ip"), testing::EndsWith(" 2"))))
      << "none came since the look before";
}

TEST(TopView, ShowsACaptureWhileThereIsOne) {
  TopView view("loop");
  TopSample s = at(1, 1000);
  view.take(s);
  EXPECT_THAT(view.lines(80, 24), Each(Not(StartsWith("capture"))));
  s.seconds = 2;
  s.capture = {1000, 10};
  view.take(s);
  s.seconds = 4;
  s.capture = {7000, 15};
  view.take(s);
  EXPECT_THAT(view.lines(80, 24), Contains(AllOf(StartsWith("capture"), HasSubstr("3.00 k"),
                                                 HasSubstr(" 7000 in the"), HasSubstr("15 (+5)"))));
  s.seconds = 5;
  s.capture = {500, 0};  // a new capture
  view.take(s);
  EXPECT_THAT(view.lines(80, 24),
              Contains(AllOf(StartsWith("capture"), HasSubstr("500 "), HasSubstr("0 (+0)"))));
}

TEST(TopView, DropsPageHasAllReasonsAndFits) {
  TopView view("loop");
  view.take(at(1, 1));
  view.turn_to(TopView::Page::kDrops);
  const auto lines = view.lines(80, 24);
  EXPECT_LE(lines.size(), 24U);
  for (std::size_t i = 1; i < bab::kDrops; ++i)
    EXPECT_THAT(lines,
                Contains(HasSubstr(std::string(bab::drop_name(static_cast<bab::Drop>(i))) + " ")));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("lines more"))));
}

TEST(TopView, PagesTurnRound) {
  TopView view("x");
  for (const char* name : {"[1 bus]", "[2 ports]", "[3 levels]", "[4 drops]", "[1 bus]"}) {
    EXPECT_THAT(view.lines(80, 24)[0], HasSubstr(name));
    view.turn_over();
  }
}

/// Any contents must fit a terminal of any size.
TEST(TopView, FitsAnyTerminal) {
  TopView view("flowgen");
  TopSample s = at(100'000, ~std::uint64_t{0} / 2);
  for (unsigned i = 0; i < 40; ++i) {
    s.lcores.push_back({i, -1, 1, 1, std::string(200, 'w')});
    s.levels.push_back({"a pool of a long name " + std::to_string(i), 1, 2});
    TopSample::Port& port = s.ports.emplace_back();
    port = {static_cast<std::uint16_t>(i), {}, 1, 1, 1, 1, 1, 1, 1};
    // g++ 12 warns of a copy that doesn't exist if the string is moved in
    port.name.assign(100, 'p');
  }
  Latency latency;
  latency.count = 1;
  latency.p50_ns = latency.p90_ns = latency.p99_ns = latency.p999_ns = latency.max_ns = 12'345'678;
  s.latency = latency;
  view.take(s);
  for (std::size_t page = 0; page < TopView::kPages; ++page, view.turn_over())
    for (const std::size_t width : {1U, 20U, 80U, 300U})
      for (const std::size_t height : {1U, 2U, 3U, 24U, 100U}) {
        const auto lines = view.lines(width, height);
        EXPECT_LE(lines.size(), height);
        for (const std::string& line : lines) EXPECT_LE(line.size(), width);
      }
}

TEST(TopView, ASecondRunBeginsAt0) {
  TopView view("loop");
  view.take(at(5, 1000));
  view.take(at(1, 300));
  EXPECT_THAT(view.lines(80, 24), Contains(AllOf(StartsWith("sent"), testing::EndsWith(" 300"))));
}

TEST(TopView, IsAscii) {
  TopView view("ping");
  TopSample s = at(1, 1);
  Latency latency;
  latency.count = 1;
  latency.p50_ns = 12'345;
  s.latency = latency;
  view.take(s);
  EXPECT_THAT(view.lines(80, 24), Contains(HasSubstr("p50 12.3 us")));
  for (const std::string& line : view.lines(80, 24))
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << line;
}

}  // namespace
}  // namespace testbab
