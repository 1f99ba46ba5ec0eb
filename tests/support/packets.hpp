#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include <bab/memory/packet.hpp>

namespace bab::test {

/// A buffer with `text` in it, of which the caller has a share. Null: the pool is empty.
inline rte_mbuf* buffer_with(BufferPool& pool, std::string_view text) {
  rte_mbuf* m = pool.try_acquire();
  if (m != nullptr)
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(text.size())), text.data(),
                text.size());
  return m;
}

/// The only Packet of a new buffer that holds `text`.
inline Packet packet_with(BufferPool& pool, std::string_view text) {
  rte_mbuf* m = buffer_with(pool, text);
  if (m == nullptr) return {};
  return PacketSource(m, 1).packet(rte_pktmbuf_mtod(m, const std::uint8_t*),
                                   static_cast<std::uint32_t>(text.size()));
}

inline std::string text_of(const Packet& packet) {
  return {reinterpret_cast<const char*>(packet.data()), packet.size()};
}

}  // namespace bab::test
