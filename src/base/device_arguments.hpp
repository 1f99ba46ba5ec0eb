#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace bab::detail {

/// Calls `take(key, value)` for each key=value in a device's arguments, in order: iface and eth0
/// for "net_pcap0,iface=eth0". Parts without "=", such as the device's name, are skipped.
template <class Take>
void for_each_device_argument(std::string_view arguments, Take take) {
  while (!arguments.empty()) {
    const std::string_view one = arguments.substr(0, arguments.find(','));
    arguments.remove_prefix(std::min(arguments.size(), one.size() + 1));
    if (const std::size_t eq = one.find('='); eq != std::string_view::npos)
      take(one.substr(0, eq), one.substr(eq + 1));
  }
}

}  // namespace bab::detail
