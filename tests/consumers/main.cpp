/// An application outside the source tree. It has one translation unit for each set of flags that
/// part.cpp was compiled with.
#include <cstdio>

#include <bab/base/eal.hpp>

#include "part.hpp"

int main() {
  bab::Eal eal(bab::embedded_eal_args());
  bab::BufferPool pool({.name = "consumers", .buffers = 256});
  unsigned failures = 0;
  for (const Part& part : parts()) failures += part.use_all(pool);
  for (const Part& one : parts())
    for (const Part& other : parts()) {
      other.give(one.take(pool));
      other.drop(one.make(pool));
    }
  if (pool.in_use() != 0) {
    std::printf("%u buffers are out\n", pool.in_use());
    ++failures;
  }
  std::printf("%zu parts, %u failures\n", parts().size(), failures);
  return failures == 0 && !parts().empty() ? 0 : 1;
}
