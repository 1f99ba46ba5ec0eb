/// An application without bab. It loads two plugins into one EAL. Each plugin has its own copy of
/// bab.
#include <dlfcn.h>

#include <array>
#include <cstdio>

#include <rte_eal.h>

#include "plugin.hpp"

namespace {

struct Loaded {
  decltype(&plugin_start) start;
  decltype(&plugin_frame) frame;
  decltype(&plugin_take) take;
  decltype(&plugin_stop) stop;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

int failures = 0;
void expect_ok(int result, const char* what) {
  if (result == 0) return;
  std::printf("%s: %d\n", what, result);
  ++failures;
}

}  // namespace

int main(int argc, char** argv) {
  std::array<const char*, 8> eal{"host",           "--no-huge", "--no-shconf", "--no-pci",
                                 "--no-telemetry", "-m",        "64",          "--log-level=3"};
  if (argc != 3 || rte_eal_init(eal.size(), const_cast<char**>(eal.data())) < 0) return 2;
  std::array<Loaded, 2> plugins{};
  for (int i = 0; i < 2; ++i) {
    Loaded& p = plugins[i];
    void* library = dlopen(argv[i + 1], RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr || !find(library, "plugin_start", p.start) ||
        !find(library, "plugin_frame", p.frame) || !find(library, "plugin_take", p.take) ||
        !find(library, "plugin_stop", p.stop)) {
      std::printf("%s\n", dlerror());
      return 2;
    }
  }
  for (int i = 0; i < 2; ++i)
    if (plugins[i].start(i + 1) != 0) return 1;
  expect_ok(plugins[1].take(plugins[0].frame()), "the second takes the first one's frame");
  expect_ok(plugins[0].take(plugins[1].frame()), "the first takes the second one's frame");
  expect_ok(plugins[0].stop(), "the first stops");
  expect_ok(plugins[1].stop(), "the second stops");
  expect_ok(plugins[0].start(3), "the first starts again");
  expect_ok(plugins[0].stop(), "and stops again");
  return failures;
}
