#include "address_reach.hpp"

#include <fmt/format.h>

#include <bab/base/error.hpp>
#include <bab/memory/send_packet.hpp>

namespace bab::detail {

void check_reach(const std::string& name, std::uintptr_t address, std::size_t len) {
  constexpr std::uintptr_t kEnd = std::uintptr_t{1} << SendPacket::kAddressBits;
  if (address <= kEnd && len <= kEnd - address) return;
  throw Error(
      fmt::format("pool {}: its memory of {} bytes at {:#x} reaches past the {} bits of addresses "
                  "that a SendPacket keeps; give EAL a --base-virtaddr below {:#x}",
                  name, len, address, SendPacket::kAddressBits, kEnd));
}

}  // namespace bab::detail
