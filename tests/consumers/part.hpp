#pragma once

#include <vector>

#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>

/// A translation unit of an application: part.cpp, compiled with its own flags.
struct Part {
  /// Uses everything of bab that an application uses. Returns the number of failed checks.
  unsigned (*use_all)(bab::BufferPool& pool);
  // Another part may give back the buffer, or drop the Packet, that one part took or made.
  rte_mbuf* (*take)(bab::BufferPool& pool);
  void (*give)(rte_mbuf* buffer);
  bab::Packet (*make)(bab::BufferPool& pool);
  void (*drop)(bab::Packet packet);
};

inline std::vector<Part>& parts() {
  static std::vector<Part> all;
  return all;
}
