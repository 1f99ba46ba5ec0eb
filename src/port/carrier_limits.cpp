#include <bab/port/carrier_limits.hpp>

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/wire/ethernet.hpp>

#include "../base/device_arguments.hpp"
#include "../base/leading_number.hpp"

namespace bab {
namespace {

std::uint32_t kernel_mtu(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), std::min(name.size(), sizeof request.ifr_name - 1));
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool good = fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0;
  const int code = errno;
  if (fd >= 0) close(fd);
  if (!good) throw Error::from_code(fmt::format("asking the kernel for the MTU of {}", name), code);
  return static_cast<std::uint32_t>(request.ifr_mtu);
}

/// A number in the arguments of a virtual device, as in "iface=eth0,framesz=16384".
std::uint32_t device_number(const rte_eth_dev_info& device, std::string_view key,
                            std::uint32_t otherwise) {
  std::uint32_t value = otherwise;
  for (const std::string& digits : device_arguments(device, key))
    if (const auto number = detail::leading_number(digits); number && *number <= UINT32_MAX)
      value = static_cast<std::uint32_t>(*number);
  return value;
}

void add_af_packet_slots(CarrierLimits& limits, const rte_eth_dev_info& device) {
  constexpr std::uint32_t kDefaultSlot = 2048;
  const std::uint32_t slot = device_number(device, "framesz", kDefaultSlot);
  // The driver calculates like this how much a slot holds to send, and how much it wants a receive
  // buffer to hold.
  constexpr auto kSlotHeader = static_cast<std::uint32_t>(TPACKET2_HDRLEN - sizeof(sockaddr_ll));
  limits.rx_bytes = slot - std::min(slot, kSlotHeader);
  // The kernel puts a received frame's network header at TPACKET_ALIGN(header + 16), with the
  // Ethernet header in front of it (net/packet/af_packet.c, tpacket_rcv).
  constexpr auto kMac =
      static_cast<std::uint32_t>(TPACKET_ALIGN(TPACKET2_HDRLEN + 16) - wire::kEthernetBytes);
  limits.slot_frame = slot - std::min(slot, kMac);
  limits.slot_mend = "framesz=16384,blocksz=65536";
}

}  // namespace

std::vector<std::string> device_arguments(const rte_eth_dev_info& device, std::string_view key) {
  std::vector<std::string> values;
  const rte_devargs* all = device.device != nullptr ? rte_dev_devargs(device.device) : nullptr;
  detail::for_each_device_argument(all != nullptr && all->args != nullptr ? all->args : "",
                                   [&](std::string_view name, std::string_view value) {
                                     if (name == key) values.emplace_back(value);
                                   });
  return values;
}

std::optional<CarrierLimits> carrier_limits(const rte_eth_dev_info& device) {
  const std::string_view driver = device.driver_name;
  CarrierLimits limits;
  if (driver == "net_memif") {
    // For a larger frame the driver chains buffers; DPDK 22.11 then mixes frames up (tried).
    constexpr std::uint32_t kDefaultSlot = 2048;
    limits.slot_frame = device_number(device, "bsize", kDefaultSlot);
    limits.slot_mend = "bsize=9216 or more, on both sides";
    return limits;
  }
  std::array<char, IF_NAMESIZE> name{};
  if (device.if_index == 0 || if_indextoname(device.if_index, name.data()) == nullptr)
    return std::nullopt;
  limits.interface = name.data();
  limits.mtu = kernel_mtu(limits.interface);
  limits.made_by_driver = driver == "net_tap";
  if (driver == "net_af_packet") add_af_packet_slots(limits, device);
  return limits;
}

void require_mtu(const CarrierLimits& limits, std::uint32_t mtu, const std::string& port) {
  if (mtu > limits.mtu)
    throw Error(fmt::format("{}: MTU {} asked for, interface {} carries {}; {}lower the MTU", port,
                            mtu, limits.interface, limits.mtu,
                            limits.made_by_driver ? ""
                                                  : fmt::format("ip link set dev {} mtu {}, or ",
                                                                limits.interface, mtu)),
                Setting::kMtu);
  const auto frame = static_cast<std::uint32_t>(mtu + wire::kEthernetBytes + wire::kVlanBytes);
  if (limits.slot_frame != 0 && frame > limits.slot_frame)
    throw Error(
        fmt::format("{}: an MTU of {} makes frames of {} bytes, the slots of its shared memory "
                    "hold {}; give the --vdev {}, or lower the MTU",
                    port, mtu, frame, limits.slot_frame, limits.slot_mend),
        Setting::kMtu);
}

}  // namespace bab
