#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <bab/memory/buffer_pool.hpp>

namespace bab::test {

/// Options of a pool so small that every limit is near. Without caches, unless asked for.
inline BufferPoolOptions small_pool(std::uint32_t buffers, std::uint32_t cache = 0,
                                    unsigned lcores = 0) {
  static unsigned next = 0;
  BufferPoolOptions o;
  o.name = "test_" + std::to_string(next++);
  o.buffers = buffers;
  o.cache = cache;
  o.lcores = lcores;
  return o;
}

/// The calling lcore turns, for the pools that exist now: it has caches.
class Turning {
 public:
  Turning() { BufferPool::relieve(); }
  Turning(const Turning&) = delete;
  Turning& operator=(const Turning&) = delete;
  ~Turning() { BufferPool::empty_caches(); }
};

inline std::uint32_t cached(const BufferPool& pool) {
  std::uint32_t all = 0;
  for (const auto& [lcore, buffers] : pool.stats().cached) all += buffers;
  return all;
}

/// A pool that must be full again at its end.
class FullPool : public BufferPool {
 public:
  explicit FullPool(const BufferPoolOptions& options) : BufferPool(options) {}
  explicit FullPool(std::uint32_t buffers) : BufferPool(small_pool(buffers)) {}
  ~FullPool() { EXPECT_EQ(available(), size()) << "the pool is not full again"; }
};

}  // namespace bab::test
