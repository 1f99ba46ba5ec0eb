#include <bab/detail/port_claim.hpp>

#include <array>
#include <functional>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_memzone.h>

#include <bab/base/error.hpp>

namespace bab::detail {
namespace {

std::string device_of(std::uint16_t id) {
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  return rte_eth_dev_get_name_by_port(id, name.data()) == 0 ? name.data() : "";
}

/// The name of the memzone that marks the device as used. A device's name may have 63 characters,
/// more than fit.
std::string note_for(const std::string& device) {
  std::string note = "bab_port_" + device;
  if (note.size() < RTE_MEMZONE_NAMESIZE) return note;
  return fmt::format("bab_port_{:x}", std::hash<std::string>{}(device));
}

}  // namespace

// Not an owner in the sense of rte_ethdev: RTE_ETH_FOREACH_DEV, which rte_pcapng and host
// applications use, skips ports with an owner.
PortClaim::PortClaim(std::uint16_t id, const std::string& label)
    : eal_(label), id_(id), device_(device_of(id)) {
  const auto refuse = [&](std::string_view user) {
    throw Error(
        fmt::format("{}: it is in use by {}, and a device can have only one user; end that one "
                    "or take another port",
                    label, user));
  };
  rte_eth_dev_owner owner{};
  if (rte_eth_dev_owner_get(id, &owner) == 0 && owner.id != RTE_ETH_DEV_NO_OWNER)
    refuse(owner.name);
  note_ = rte_memzone_reserve(note_for(device_).c_str(), 1, SOCKET_ID_ANY, 0);
  if (note_ != nullptr) return;
  if (rte_errno == EEXIST) refuse("another bab::Port");
  throw Error::from_code(fmt::format("{}: marking it as in use", label), rte_errno);
}

PortClaim::~PortClaim() {
  if (eal_is_there()) (void)rte_memzone_free(note_);
}

bool PortClaim::holds() const noexcept {
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  return eal_is_there() && rte_eth_dev_is_valid_port(id_) != 0 &&
         rte_eth_dev_get_name_by_port(id_, name.data()) == 0 && device_ == name.data();
}

}  // namespace bab::detail
