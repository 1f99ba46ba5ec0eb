#pragma once

#include <bab/lcore/lcore.hpp>

/// unwound.cpp: a translation unit of an application that is compiled without exceptions. The
/// others are compiled with exceptions.
struct Loop {
  const char* name;
  void (*run)(bab::Lcore& lcore);
};
extern const Loop kLoops[3];

/// Spawns a task that fails because it makes a pool without buffers.
void spawn_one_that_fails(bab::Lcore& lcore);
