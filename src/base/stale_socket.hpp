#pragma once

#include <string_view>

namespace bab::detail {

/// A net_memif server that was killed leaves its socket's file, and the next one can't bind there.
/// Removes the file that `vdev` ("net_memif0,role=server,socket=PATH,socket-abstract=no") would
/// bind to, if it is a socket that nobody listens on; anything else stays for the driver to
/// complain about.
void remove_stale_socket(std::string_view vdev) noexcept;

}  // namespace bab::detail
