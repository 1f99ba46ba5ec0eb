#pragma once

#include <string_view>

namespace bab::detail {

/// A net_memif server that was killed leaves the file of its socket, and the next server can't bind
/// to it. This removes the file that `vdev`
/// ("net_memif0,role=server,socket=PATH,socket-abstract=no") would bind to, if the file is a socket
/// on which nobody listens. Any other file stays, and the driver reports it.
void remove_stale_socket(std::string_view vdev) noexcept;

}  // namespace bab::detail
