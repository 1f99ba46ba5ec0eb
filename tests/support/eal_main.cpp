#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>

/// main() of tests that need EAL: four lcores that float over two CPUs (or share the only one). No
/// root, no hugepages, no files.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool two = sysconf(_SC_NPROCESSORS_ONLN) > 1;
  const std::vector<std::string> args{
      "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
      "-m",        "128",         "--lcores", two ? "0@0,1@0,2@1,3@1" : "0@0,1@0,2@0,3@0"};
  try {
    const bab::Eal eal(args);
    return RUN_ALL_TESTS();
  } catch (const bab::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
