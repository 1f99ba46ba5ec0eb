#include "unwound.hpp"

#include <bab/memory/buffer_pool.hpp>

const Loop kLoops[3]{
    {"run", [](bab::Lcore& lcore) { lcore.run(); }},
    {"run_tasks", [](bab::Lcore& lcore) { lcore.run_tasks(); }},
    {"run_until", [](bab::Lcore& lcore) { lcore.run_until([] { return false; }); }}};

void spawn_one_that_fails(bab::Lcore& lcore) {
  lcore.spawn([]() -> bab::Task<> {
    co_await bab::Yield();
    const bab::BufferPool pool({.name = "none"});
  });
}
