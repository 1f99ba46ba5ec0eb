/// Exceptions that pass through unwound.cpp: one from a poller here, and, with any argument, one
/// from a task of unwound.cpp's.
#include <cstdio>
#include <stdexcept>

#include <bab/base/eal.hpp>
#include <bab/memory/buffer_pool.hpp>

#include "unwound.hpp"

namespace {

/// Makes its lcore's cache keep a buffer in two turns, and throws in the third.
struct Poller {
  bab::BufferPool& pool;
  unsigned turns = 0;
  unsigned poll(std::uint64_t) {
    if (++turns > 2) throw std::runtime_error("poller");
    bab::BufferPool::release(pool.try_acquire());
    return 1;
  }
};

/// Whether the exception arrives here, and the lcore keeps no buffer then.
bool empties_caches(const Loop& loop) {
  bab::BufferPool pool({.name = "unwinding", .buffers = 256});
  Poller poller{pool};
  bab::Lcore lcore;
  lcore.add(poller);
  lcore.spawn([&lcore]() -> bab::Task<> {
    while (!lcore.stopping()) co_await bab::Yield();
  });
  bool came = false;
  try {
    loop.run(lcore);
  } catch (const std::runtime_error&) {
    came = true;
  }
  const bool empty = pool.stats().cached.empty();
  std::printf("%s: %s, caches are %s\n", loop.name, came ? "thrown" : "lost",
              empty ? "empty" : "kept");
  lcore.remove(poller);
  lcore.request_stop();
  while (lcore.tasks() > 0) lcore.turn(1);
  return came && empty;
}

}  // namespace

int main(int argc, char**) {
  bab::Eal eal(bab::embedded_eal_args());
  if (argc > 1) {
    bab::Lcore lcore;
    spawn_one_that_fails(lcore);
    try {
      lcore.run_tasks();
    } catch (const std::exception&) {
      std::printf("%zu tasks are left half-way\n", lcore.tasks());
      std::fflush(stdout);
    }
    return 1;
  }
  bool good = true;
  for (const Loop& loop : kLoops) good &= empties_caches(loop);
  return good ? 0 : 1;
}
