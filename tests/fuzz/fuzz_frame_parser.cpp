#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "against_naive.hpp"

/// Takes any bytes as a frame. The parser must give the same answer as a naive parser, with each of
/// its options.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const bool verify_ip : {false, true})
    for (const bool verify_udp : {false, true})
      for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{26477}}) {
        const std::string fault =
            bab::test::disagreement(std::span(data, size), {verify_ip, verify_udp}, port);
        if (fault.empty()) continue;
        std::fprintf(stderr, "verify_ip %d, verify_udp %d, port %u: %s\n", verify_ip, verify_udp,
                     port, fault.c_str());
        std::abort();
      }
  return 0;
}
