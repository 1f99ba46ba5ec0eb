#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// Checks that the Awaitables tests try every awaitable of the library. A new awaitable needs a rig
/// (awaitable_rigs.hpp) and an entry in this file.
namespace {

/// The text of each public header, by file name.
std::map<std::string, std::string> public_headers() {
  std::map<std::string, std::string> headers;
  const char* root = std::getenv("BAB_SOURCE_ROOT");
  const std::filesystem::path include =
      std::filesystem::path(root != nullptr ? root : ".") / "include" / "bab";
  if (!std::filesystem::exists(include)) return headers;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(include)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    headers[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return headers;
}

TEST(AwaitablesList, EveryWaitIsTried) {
  const auto headers = public_headers();
  if (headers.empty()) GTEST_SKIP() << "BAB_SOURCE_ROOT doesn't say where the headers are";
  const std::regex derives(R"(class\s+([\w:]+)(?:\s+final)?\s*:\s*public\s+([\w:]+))");
  std::set<std::string> waits{"Wait"};
  for (std::size_t before = 0; before != waits.size();) {
    before = waits.size();
    for (const auto& [name, text] : headers)
      for (std::sregex_iterator at(text.begin(), text.end(), derives), end; at != end; ++at) {
        const std::string whole = (*at)[1], base = (*at)[2];
        if (waits.contains(base)) waits.insert(whole.substr(whole.rfind(':') + 1));
      }
  }
  waits.erase("Wait");
  EXPECT_THAT(
      waits, testing::UnorderedElementsAre("Acquire", "AcquireBulk", "FlushWait",
                                           "MessageWait",  // its rig is in tests/unit/bus
                                           "NextBuffer", "Receive",
                                           "Refill",          // base of Write and NextBuffer
                                           "ReserveWaiting",  // base of ReserveWait
                                           "SendOf", "SignalWait", "Sleep", "Write",
                                           "Yield"));  // never has to wait and has tests of its own
}

/// Awaitables that aren't Waits.
TEST(AwaitablesList, EveryAwaitReadyIsKnown) {
  const auto headers = public_headers();
  if (headers.empty()) GTEST_SKIP() << "BAB_SOURCE_ROOT doesn't say where the headers are";
  const std::regex ready(R"(bool await_ready\()");
  std::map<std::string, std::ptrdiff_t> found;
  for (const auto& [name, text] : headers)
    if (const auto n = std::distance(std::sregex_iterator(text.begin(), text.end(), ready), {}))
      found[name] = n;
  EXPECT_THAT(found, testing::UnorderedElementsAre(
                         // AnyOf; Yield
                         testing::Pair("any_of.hpp", 1), testing::Pair("lcore.hpp", 1),
                         testing::Pair("reserve_wait.hpp", 1),
                         testing::Pair("task.hpp", 2),  // await of a Task; end of a Task
                         testing::Pair("wait.hpp", 1)));
}

}  // namespace
