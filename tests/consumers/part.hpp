#pragma once

#include <vector>

#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>

/// A translation unit of an application: part.cpp, compiled with flags of its own.
struct Part {
  /// Uses all of bab that an application does. Returns how many checks failed.
  unsigned (*use_all)(bab::BufferPool& pool);
  // What one part begins and another ends.
  rte_mbuf* (*take)(bab::BufferPool& pool);
  void (*give)(rte_mbuf* buffer);
  bab::Packet (*make)(bab::BufferPool& pool);
  void (*drop)(bab::Packet packet);
};

inline std::vector<Part>& parts() {
  static std::vector<Part> all;
  return all;
}
