#include "stale_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bab::detail {
namespace {

std::string_view value_of(std::string_view key, std::string_view args) {
  while (!args.empty()) {
    std::string_view one = args.substr(0, args.find(','));
    args.remove_prefix(std::min(args.size(), one.size() + 1));
    const std::size_t eq = one.find('=');
    if (eq != std::string_view::npos && one.substr(0, eq) == key) return one.substr(eq + 1);
  }
  return {};
}

bool nobody_listens(const sockaddr_un& address) {
  // Not of net_memif's type: a listener is told apart from none (EPROTOTYPE, not ECONNREFUSED) and never
  // hears of it. One that hears a client come and go at once dies in DPDK 22.11 (rte_panic; tried).
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): that is the sockets' interface
  const int e = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = e != 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

}  // namespace

void remove_stale_socket(std::string_view vdev) noexcept {
  const std::string_view role = value_of("role", vdev);
  const std::string_view path = value_of("socket", vdev);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!vdev.starts_with("net_memif") || (role != "server" && role != "master") ||
      value_of("socket-abstract", vdev) != "no" || path.empty() ||
      path.size() >= sizeof address.sun_path)
    return;
  path.copy(address.sun_path, path.size());
  struct stat file {};
  if (lstat(address.sun_path, &file) == 0 && S_ISSOCK(file.st_mode) && nobody_listens(address))
    (void)unlink(address.sun_path);
}

}  // namespace bab::detail
