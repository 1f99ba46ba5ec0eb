#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <bab/memory/buffer_pool.hpp>

namespace bab::test {

/// Options of a pool small enough for every edge to be near, without mempool caches unless asked for.
inline BufferPoolOptions small_pool(std::uint32_t buffers, std::uint32_t cache = 0) {
  static unsigned next = 0;
  BufferPoolOptions o;
  o.name = "test_" + std::to_string(next++);
  o.buffers = buffers;
  o.cache = cache;
  return o;
}

/// A pool that must be full again when it goes.
class FullPool : public BufferPool {
 public:
  explicit FullPool(const BufferPoolOptions& options) : BufferPool(options) {}
  explicit FullPool(std::uint32_t buffers) : BufferPool(small_pool(buffers)) {}
  ~FullPool() { EXPECT_EQ(available(), size()) << "the pool is not full again"; }
};

}  // namespace bab::test
