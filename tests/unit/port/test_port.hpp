#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>

#include <bab/memory/buffer_pool.hpp>

#include "full_pool.hpp"

namespace bab::test {

/// A device for one test. DPDK's net_null frees the frames that are sent, and receives frames of
/// zeros without end.
class Vdev {
 public:
  explicit Vdev(std::string name, const std::string& arguments = "") : name_(std::move(name)) {
    if (rte_vdev_init(name_.c_str(), arguments.c_str()) != 0 ||
        rte_eth_dev_get_port_by_name(name_.c_str(), &id_) != 0)
      throw std::runtime_error("no vdev " + name_ + " " + arguments);
  }
  Vdev(const Vdev&) = delete;
  Vdev& operator=(const Vdev&) = delete;
  ~Vdev() { (void)rte_vdev_uninit(name_.c_str()); }

  [[nodiscard]] std::uint16_t id() const { return id_; }

 private:
  std::string name_;
  std::uint16_t id_ = 0;
};

/// Options of a pool that a driver receives into.
inline BufferPoolOptions receiving_pool(std::uint32_t buffers, std::uint16_t data_room = 2176) {
  BufferPoolOptions o = small_pool(buffers);
  o.receives = true;
  o.data_room = data_room;
  return o;
}

/// A buffer with `len` bytes in it.
inline rte_mbuf* frame_of(BufferPool& pool, std::uint16_t len) {
  rte_mbuf* m = pool.try_acquire();
  if (m == nullptr || rte_pktmbuf_append(m, len) == nullptr) throw std::runtime_error("no frame");
  return m;
}

inline std::vector<rte_mbuf*> frames_of(BufferPool& pool, std::vector<std::uint16_t> lengths) {
  std::vector<rte_mbuf*> frames;
  for (std::uint16_t len : lengths) frames.push_back(frame_of(pool, len));
  return frames;
}

}  // namespace bab::test
