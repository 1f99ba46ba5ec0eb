#include "stale_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "device_arguments.hpp"

namespace bab::detail {
namespace {

std::string_view value_of(std::string_view key, std::string_view vdev) {
  std::string_view first;
  bool found = false;
  for_each_device_argument(vdev, [&](std::string_view name, std::string_view value) {
    if (name == key && !std::exchange(found, true)) first = value;
  });
  return first;
}

bool nobody_listens(const sockaddr_un& address) {
  // Not net_memif's type of socket: connect() then fails in both cases, with EPROTOTYPE if there is
  // a listener, with ECONNREFUSED if there is none, and the listener doesn't notice. A net_memif
  // server whose client connects and leaves at once dies in DPDK 22.11 (rte_panic; tried).
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
