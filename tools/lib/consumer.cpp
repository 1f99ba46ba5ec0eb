// An application outside the tree, built by tools/check with the flags of bab.pc and nothing else.
#include <bab/bab.hpp>

#include <cstdio>

int main() {
  bab::Eal eal(bab::embedded_eal_args());
  bab::BufferPool pool({.name = "consumer", .buffers = 8, .cache = 0});
  rte_mbuf* buffer = pool.try_acquire();
  std::printf("built against bab.pc: %u of %u buffers in use\n", pool.in_use(), pool.size());
  bab::BufferPool::release(buffer);
  return pool.available() == pool.size() ? 0 : 1;
}
