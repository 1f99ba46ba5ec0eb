/// A set-up that must fail: a pool without buffers.
#include <bab/base/eal.hpp>
#include <bab/memory/buffer_pool.hpp>

int main() {
  const bab::Eal eal(bab::embedded_eal_args());
  const bab::BufferPool pool({.name = "none"});
}
