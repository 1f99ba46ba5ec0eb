#include <bab/bus/endpoint.hpp>

#include <arpa/inet.h>

#include <charconv>

#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace bab {

Endpoint parse_endpoint(std::string_view what, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  in_addr address{};
  std::uint16_t port = 0;
  const bool has_port = colon != text.npos && colon + 1 < text.size();
  if (has_port) {
    const std::string ip(text.substr(0, colon));
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + colon + 1, end, port);
    if (inet_pton(AF_INET, ip.c_str(), &address) == 1 && ip.find('\0') == ip.npos &&
        read.ec == std::errc() && read.ptr == end && port != 0)
      return {ntohl(address.s_addr), port};
  }
  throw Error(fmt::format(
      "{}: \"{}\" is no IPv4 address with a UDP port of 1 to 65535; write it as in 239.1.1.1:30001",
      what, text));
}

std::string endpoint_text(const Endpoint& endpoint) {
  const std::uint32_t ip = endpoint.ip;
  return fmt::format("{}.{}.{}.{}:{}", ip >> 24, ip >> 16 & 0xff, ip >> 8 & 0xff, ip & 0xff,
                     endpoint.port);
}

}  // namespace bab
