#include "pmds.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <rte_build_config.h>
#include <nlohmann/json.hpp>

namespace bab::doctor {
namespace {

using Json = nlohmann::json;

/// [[vendor, device, subsystem vendor, subsystem device], …]; 65535 stands for any.
bool names(const Json& info, std::uint16_t vendor, std::uint16_t device) {
  const auto ids = info.find("pci_ids");
  if (ids == info.end() || !ids->is_array()) return false;
  return std::any_of(ids->begin(), ids->end(), [&](const Json& id) {
    constexpr unsigned kAny = 0xffff;
    return id.is_array() && id.size() == 4 && id[0].is_number_unsigned() &&
           id[1].is_number_unsigned() && id[0].get<unsigned>() == vendor &&
           (id[1].get<unsigned>() == device || id[1].get<unsigned>() == kAny);
  });
}

std::string text(const Json& info, const char* key) {
  const auto found = info.find(key);
  return found != info.end() && found->is_string() ? found->get<std::string>() : "?";
}

}  // namespace

Pmd find_pmd(const System& system, std::uint16_t vendor, std::uint16_t device) {
  constexpr std::string_view kMark = "PMD_INFO_STRING= ";
  const std::string folder = std::string(RTE_EAL_PMD_PATH).substr(1);
  for (const std::string& name : system.list(folder)) {
    // Each is there three times: .so and .so.23 are links to it.
    if (!name.starts_with("librte_net_") || !name.ends_with(".so")) continue;
    const std::string library = system.text(folder + "/" + name).value_or("");
    for (std::size_t at = library.find(kMark); at != std::string::npos;
         at = library.find(kMark, at + kMark.size())) {
      const std::size_t from = at + kMark.size();
      const Json info = Json::parse(library.substr(from, library.find('\0', from) - from), nullptr,
                                    false);  // not JSON: a "discarded" value
      if (info.is_object() && names(info, vendor, device))
        return {text(info, "name"), text(info, "kmod")};
    }
  }
  return {};
}

std::string_view pmd_package(std::uint16_t vendor) {
  // Where one vendor's NICs have several PMDs it's the package that brings all.
  constexpr std::string_view kAll = "librte-meta-net";
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 20> kVendors{{
      {0x8086, kAll},                     // Intel
      {0x15b3, kAll},                     // NVIDIA Mellanox
      {0x14e4, kAll},                     // Broadcom
      {0x1077, "librte-net-qede23"},      // Marvell QLogic
      {0x177d, kAll},                     // Marvell Cavium
      {0x1af4, "librte-net-virtio23"},    // virtio
      {0x15ad, "librte-net-vmxnet3-23"},  // VMware
      {0x1d0f, "librte-net-ena23"},       // Amazon
      {0x1ae0, "librte-net-gve23"},       // Google
      {0x1425, "librte-net-cxgbe23"},     // Chelsio
      {0x1137, "librte-net-enic23"},      // Cisco
      {0x1924, "librte-net-sfc23"},       // AMD Solarflare
      {0x10ee, "librte-net-sfc23"},       // AMD Xilinx
      {0x19e5, kAll},                     // Huawei
      {0x19ee, "librte-net-nfp23"},       // Corigine Netronome
      {0x1dd8, "librte-net-ionic23"},     // AMD Pensando
      {0x1d6a, "librte-net-atlantic23"},  // Marvell Aquantia
      {0x8088, kAll},                     // Wangxun
      {0x1022, "librte-net-axgbe23"},     // AMD
      {0x1d6c, "librte-net-ark23"},       // Atomic Rules
  }};
  for (const auto& [id, package] : kVendors)
    if (id == vendor) return package;
  return {};
}

}  // namespace bab::doctor
