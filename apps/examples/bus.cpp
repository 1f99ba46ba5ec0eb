// A first program: a bus, which is one object, publishes a session and subscribes to its address.
#include <bab/bab.hpp>

#include <cstdio>

int main() try {
  bab::Bus bus({.ports = {{.device = "loopback", .mtu = 9000}}});
  auto out = bus.publish({.session = "HELLO", .to = "239.1.1.1:30001"});
  auto in = bus.subscribe({.from = "239.1.1.1:30001"});
  out.send("hello");
  out.send("bus");
  unsigned messages = 0;
  for (; auto got = in.next(); ++messages)
    std::printf("%.*s\n", static_cast<int>(got.size()), got.data());
  return messages == 2 ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "bus: %s\n", e.what());
  return 1;
}
