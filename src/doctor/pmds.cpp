#include "pmds.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <rte_build_config.h>
#include <nlohmann/json.hpp>

#include <bab/detail/dpdk/release.hpp>
#include <bab/detail/eal_args.hpp>

namespace bab::doctor {
namespace {

using Json = nlohmann::json;

/// Whether `info` lists the device: [[vendor, device, subsystem vendor, subsystem device], …];
/// 65535 stands for any.
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

/// The PMDs' libraries in a folder, each once. A library may be there as .so, .so.23 and .so.23.0;
/// the .so is missing without DPDK's development package.
void add_libraries(const System& system, const std::string& folder, std::vector<std::string>& all) {
  std::string last;
  for (const std::string& name : system.list(folder)) {
    const std::size_t end = name.find(".so");
    if (!name.starts_with("librte_net_") || end == std::string::npos) continue;
    if (std::string stem = name.substr(0, end); stem != last) {
      all.push_back(folder + "/" + name);
      last = std::move(stem);
    }
  }
}

std::vector<std::string> libraries(const System& system, std::span<const std::string> eal) {
  std::vector<std::string> all;
  add_libraries(system, std::string(RTE_EAL_PMD_PATH).substr(1), all);
  for (const std::string& plugin : detail::option_values(eal, "-d")) {
    if (!plugin.starts_with('/')) continue;
    all.push_back(plugin.substr(1));
    add_libraries(system, plugin.substr(1), all);
  }
  return all;
}

}  // namespace

Pmd find_pmd(const System& system, std::span<const std::string> eal, std::uint16_t vendor,
             std::uint16_t device) {
  constexpr std::string_view kMark = "PMD_INFO_STRING= ";
  for (const std::string& path : libraries(system, eal)) {
    const std::string library = system.text(path).value_or("");
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

std::string pmd_package(std::uint16_t vendor) {
  // For a vendor with several PMDs: the package that brings all of them.
  constexpr std::string_view kAll = "librte-meta-net";
  // The other packages' names end with the ABI's number.
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 20> kVendors{{
      {0x8086, kAll},                   // Intel
      {0x15b3, kAll},                   // NVIDIA Mellanox
      {0x14e4, kAll},                   // Broadcom
      {0x1077, "librte-net-qede"},      // Marvell QLogic
      {0x177d, kAll},                   // Marvell Cavium
      {0x1af4, "librte-net-virtio"},    // virtio
      {0x15ad, "librte-net-vmxnet3-"},  // VMware
      {0x1d0f, "librte-net-ena"},       // Amazon
      {0x1ae0, "librte-net-gve"},       // Google
      {0x1425, "librte-net-cxgbe"},     // Chelsio
      {0x1137, "librte-net-enic"},      // Cisco
      {0x1924, "librte-net-sfc"},       // AMD Solarflare
      {0x10ee, "librte-net-sfc"},       // AMD Xilinx
      {0x19e5, kAll},                   // Huawei
      {0x19ee, "librte-net-nfp"},       // Corigine Netronome
      {0x1dd8, "librte-net-ionic"},     // AMD Pensando
      {0x1d6a, "librte-net-atlantic"},  // Marvell Aquantia
      {0x8088, kAll},                   // Wangxun
      {0x1022, "librte-net-axgbe"},     // AMD
      {0x1d6c, "librte-net-ark"},       // Atomic Rules
  }};
  for (const auto& [id, package] : kVendors)
    if (id == vendor)
      return package == kAll ? std::string(package)
                             : fmt::format("{}{}", package, detail::abi_built_for());
  return {};
}

}  // namespace bab::doctor
