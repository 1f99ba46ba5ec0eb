#pragma once

#include <bab/lcore/lcore.hpp>

/// A translation unit of an application: unwound.cpp, compiled without exceptions. Others have
/// some.
struct Loop {
  const char* name;
  void (*run)(bab::Lcore& lcore);
};
extern const Loop kLoops[3];

/// Spawns a task that makes a pool of no buffers.
void spawn_one_that_fails(bab::Lcore& lcore);
