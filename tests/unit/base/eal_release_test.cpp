#include <dlfcn.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_version.h>

#include <bab/base/eal.hpp>

#include "in_child.hpp"

static const char* pretended_release = nullptr;

/// The library calls this function instead of DPDK's own.
extern "C" const char* rte_version() {
  if (pretended_release != nullptr) return pretended_release;
  return reinterpret_cast<decltype(&rte_version)>(dlsym(RTLD_NEXT, "rte_version"))();
}

namespace bab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Eal, DoesNotStartWithAReleaseOfAnotherAbi) {
  const test::Said said = test::in_child([] {
    pretended_release = "DPDK 19.11.14";
    const Eal eal(test::kPlain);
    return std::string("started");
  });
  EXPECT_THAT(said.result,
              AllOf(StartsWith("Error: starting EAL: "), HasSubstr("runs with DPDK 19.11.14")));
}

TEST(Eal, DoesNotAdoptAReleaseOfAnotherAbi) {
  const test::Said said = test::in_child([] {
    const Eal eal(test::kPlain);
    pretended_release = "DPDK 19.11.14";
    const Eal adopted = Eal::adopt();
    return std::string("adopted");
  });
  EXPECT_THAT(said.result,
              AllOf(StartsWith("Error: adopting EAL: "), HasSubstr("runs with DPDK 19.11.14")));
}

}  // namespace
}  // namespace bab
