#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace bab {

/// An IPv4 address and a UDP port.
struct Endpoint {
  std::uint32_t ip = 0;  ///< host order
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
};

/// Reads "239.1.1.1:30001". Port 0 is refused. Throws Error, whose sentence begins with `what`.
/// Any thread.
Endpoint parse_endpoint(std::string_view what, std::string_view text);

/// Returns "239.1.1.1:30001". Any thread.
std::string endpoint_text(const Endpoint& endpoint);

}  // namespace bab
