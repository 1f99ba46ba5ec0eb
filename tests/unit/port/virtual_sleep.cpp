#include "virtual_sleep.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <utility>

#include <rte_cycles.h>

namespace bab::test {
namespace {

VirtualSleep* sleeper = nullptr;

}  // namespace

VirtualSleep::VirtualSleep(std::function<void()> each) : each_(std::move(each)) { sleeper = this; }

VirtualSleep::~VirtualSleep() { sleeper = nullptr; }

void VirtualSleep::sleep(unsigned us) {
  us_ += us;
  each_();
}

static bool slept(unsigned us) {
  if (sleeper == nullptr) return false;
  sleeper->sleep(us);
  return true;
}

}  // namespace bab::test

/// Is called in place of DPDK's function.
extern "C" void rte_delay_us_sleep(unsigned us) {
  static auto* const real =
      reinterpret_cast<decltype(rte_delay_us_sleep)*>(dlsym(RTLD_NEXT, "rte_delay_us_sleep"));
  if (real == nullptr) std::abort();
  if (!bab::test::slept(us)) real(us);
}
