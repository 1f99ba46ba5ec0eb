#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <bab/memory/buffer_pool.hpp>

namespace bab::test {

/// A host application's own mempool. It must be full again at its end.
class HostPool {
 public:
  explicit HostPool(unsigned buffers = 8) {
    static unsigned next = 0;
    pool_ = rte_pktmbuf_pool_create(("host_" + std::to_string(next++)).c_str(), buffers, 0, 0, 2048,
                                    SOCKET_ID_ANY);
    if (pool_ == nullptr) throw std::runtime_error("no memory for a host's pool");
  }
  HostPool(const HostPool&) = delete;
  HostPool& operator=(const HostPool&) = delete;
  ~HostPool() {
    EXPECT_EQ(rte_mempool_in_use_count(pool_), 0U) << "the host's pool is not full again";
    rte_mempool_free(pool_);
  }

  [[nodiscard]] rte_mempool* raw() const { return pool_; }
  [[nodiscard]] unsigned in_use() const { return rte_mempool_in_use_count(pool_); }

  [[nodiscard]] rte_mbuf* buffer(std::span<const std::uint8_t> bytes) const {
    rte_mbuf* m = rte_pktmbuf_alloc(pool_);
    if (m == nullptr) throw std::runtime_error("the host's pool is empty");
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(bytes.size())), bytes.data(),
                bytes.size());
    return m;
  }

 private:
  rte_mempool* pool_;
};

/// Memory that an application lends to mbufs. It is told when the memory comes back.
class LentMemory {
 public:
  LentMemory() {
    info_.free_cb = [](void*, void* self) { ++static_cast<LentMemory*>(self)->returned; };
    info_.fcb_opaque = this;
  }
  LentMemory(const LentMemory&) = delete;
  LentMemory& operator=(const LentMemory&) = delete;

  /// A buffer of `pool`, taken as a driver does, with `bytes` in this memory.
  rte_mbuf* attached(BufferPool& pool, std::span<const std::uint8_t> bytes) {
    rte_mbuf* m = rte_pktmbuf_alloc(pool.mempool());
    if (m == nullptr) throw std::runtime_error("the pool is empty");
    std::memcpy(memory.data(), bytes.data(), bytes.size());
    rte_mbuf_ext_refcnt_set(&info_, 1);
    rte_pktmbuf_attach_extbuf(m, memory.data(), 0, static_cast<std::uint16_t>(memory.size()),
                              &info_);
    m->data_off = 0;
    m->data_len = static_cast<std::uint16_t>(bytes.size());
    m->pkt_len = m->data_len;
    return m;
  }

  [[nodiscard]] bool has(const void* p) const {
    return p >= memory.data() && p < memory.data() + memory.size();
  }

  std::array<std::uint8_t, 4096> memory{};
  int returned = 0;

 private:
  rte_mbuf_ext_shared_info info_{};
};

/// Takes all buffers of `pool`, which must be free. Each must use its own memory.
inline void expect_all_plain(BufferPool& pool) {
  std::vector<rte_mbuf*> all(pool.size());
  ASSERT_TRUE(pool.try_acquire(all)) << "not all buffers are free";
  for (rte_mbuf* m : all) {
    EXPECT_TRUE(BufferPool::is_plain(m));
    EXPECT_EQ(m->buf_addr, static_cast<void*>(&buffer_meta(m) + 1));
    EXPECT_EQ(m->next, nullptr);
    EXPECT_EQ(m->refcnt, 1);
    std::memset(m->buf_addr, 'B', m->buf_len);
  }
  BufferPool::release(all);
}

}  // namespace bab::test
