#include "doctor.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <bab/base/error.hpp>
#include <bab/bus/pool_plan.hpp>
#include <bab/detail/eal_args.hpp>
#include <bab/doctor/doctor.hpp>
#include <bab/port/port.hpp>
#include <bab/wire/frame_header.hpp>

#include "engine.hpp"
#include "flags.hpp"
#include "generator.hpp"
#include "json_document.hpp"
#include "report_json.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

using bab::Finding;

/// What wiring takes where a device has no wishes of its own.
struct PortNeeds {
  std::uint32_t mtu;
  std::uint32_t data_room;     ///< that a frame needs
  std::uint32_t rx_data_room;  ///< of buffers that it receives into
  std::uint64_t bytes;         ///< of both its pools
  /// Of a NIC's, with the largest buffers that its driver may need, and of those that it is tried
  /// with: some drivers keep them.
  std::uint64_t nic_bytes;
};

PortNeeds port_needs(const Options& options, bool loopback) {
  const std::uint32_t default_mtu = loopback ? 9000 : 1500;
  constexpr std::uint32_t kLeastRoom = 2176;
  constexpr std::uint32_t kLcores = 2;
  PortNeeds n{};
  n.mtu = options.asked_mtu(0).value_or(default_mtu);
  n.data_room = bab::Port::data_room(n.mtu);
  n.rx_data_room = options.mbuf_size.value_or(
      loopback ? n.data_room : bab::rx_rooms(n.data_room - RTE_PKTMBUF_HEADROOM).front());
  const std::uint32_t rxd = options.rxd > 0 ? options.rxd : RTE_ETH_DEV_FALLBACK_RX_RINGSIZE;
  const std::uint32_t txd = options.txd > 0 ? options.txd : RTE_ETH_DEV_FALLBACK_TX_RINGSIZE;
  // As Wiring does.
  const auto buffers = [&](std::uint32_t held, std::uint32_t writers) -> std::uint64_t {
    bab::PoolNeeds needs{.held = held, .lcores = kLcores, .burst = options.burst};
    needs.cache = options.mbcache.value_or(needs.cache);
    needs.writers = writers;
    return options.total_num_mbufs.value_or(bab::plan_pool(needs).buffers);
  };
  const std::uint32_t received = options.rxq * rxd;
  const std::uint64_t sent = buffers(options.txq * txd, options.writers) *
                             bab::buffer_bytes(std::max({options.mbuf_size.value_or(kLeastRoom),
                                                         n.data_room, kLeastRoom}));
  n.bytes = buffers(received, 0) * bab::buffer_bytes(n.rx_data_room) + sent;
  const std::uint32_t most =
      options.mbuf_size.value_or(bab::rx_rooms(n.data_room - RTE_PKTMBUF_HEADROOM).back());
  n.nic_bytes = (buffers(received, 0) + received) * bab::buffer_bytes(most) + sent;
  return n;
}

/// Of all ports that are named; of one where EAL takes the NICs that it finds. With what EAL and
/// drivers take for themselves: devices, rings of descriptors, ends of pages.
std::uint64_t memory_of(const Arguments& arguments, const PortNeeds& needs) {
  const std::uint64_t vdevs = bab::detail::option_values(arguments.eal, "--vdev").size();
  const std::uint64_t nics = bab::detail::option_values(arguments.eal, "--allow").size();
  constexpr std::uint64_t kTheirs = 4 << 20;
  if (vdevs + nics == 0) return kTheirs + (arguments.embedded ? needs.bytes : needs.nic_bytes);
  return kTheirs + vdevs * needs.bytes + nics * needs.nic_bytes;
}

/// `splits`: only NICs are named. As a rule, their drivers can split frames.
Finding examine_buffers(const Options& options, const PortNeeds& needs, bool splits) {
  Finding f{Finding::Level::kOk, "buffers",
            fmt::format("MTU {} needs buffers of {} bytes", needs.mtu, needs.data_room), ""};
  if (!options.mbuf_size) {
    f.text += fmt::format(", and they get {}, or more where a NIC's driver rounds down",
                          std::max(needs.rx_data_room, needs.data_room));
  } else if (*options.mbuf_size < needs.data_room) {
    f.level = splits ? Finding::Level::kWarn : Finding::Level::kFail;
    f.text += fmt::format(", and --mbuf-size is {}", *options.mbuf_size);
    if (splits) f.text += ": a NIC that can will split frames, which then are gathered by a copy";
    f.mend = fmt::format("--mbuf-size={}, or leave it out", needs.data_room);
  } else {
    f.text += fmt::format(", and --mbuf-size={} is enough", *options.mbuf_size);
  }
  return f;
}

/// A refusal of testbab's own, which a start of this run would end with.
Finding refusal(const std::string& sentence) {
  const std::size_t end = sentence.rfind("; ");
  return {Finding::Level::kFail, "run", sentence.substr(0, end),
          end == std::string::npos ? "" : sentence.substr(end + 2)};
}

/// The word in front of the first comma.
std::string name_of(const std::string& device) { return device.substr(0, device.find(',')); }

/// A PCI device by its address, however it is written.
std::string canonical(const std::string& device) {
  const std::string address = bab::detail::pci_address(device);
  return address.empty() ? name_of(device) : address;
}

/// Ports that an engine gets of the devices that are named: each once, and of a bond the bond
/// alone.
std::size_t named_ports(const std::vector<std::string>& eal) {
  std::set<std::string> names, members;
  for (const std::string& device : bab::detail::option_values(eal, "--vdev")) {
    const std::string name = name_of(device);
    if (!name.starts_with("net_") && !name.starts_with("eth_")) continue;
    names.insert(name);
    if (!name.starts_with("net_bonding")) continue;
    for (std::size_t at = name.size(); at < device.size();) {
      const std::size_t end = std::min(device.find(',', at + 1), device.size());
      const std::string argument = device.substr(at + 1, end - at - 1);
      for (const std::string_view key : {"slave=", "member="})
        if (argument.starts_with(key)) members.insert(canonical(argument.substr(key.size())));
      at = end;
    }
  }
  if (!bab::detail::without_pci(eal))
    for (const std::string& device : bab::detail::option_values(eal, "--allow"))
      names.insert(canonical(device));
  for (const std::string& member : members) names.erase(member);
  return names.size();
}

void examine_run(const Options& options, const Arguments& arguments, const PortNeeds& needs,
                 std::vector<Finding>& findings) {
  const Engine& engine = *find_engine(options.engine);
  try {
    if (engine.require != nullptr) engine.require(options);
    const std::uint32_t room = bab::wire::FrameHeader::payload_capacity(needs.mtu);
    constexpr auto kPrefix = static_cast<std::uint32_t>(bab::wire::kBlockLengthBytes);
    if (engine.makes_messages) require_fit(options.sizes, room - kPrefix, needs.mtu);
    const std::size_t named = named_ports(arguments.eal);
    // Without devices' names it isn't known how many NICs EAL finds, unless it doesn't look.
    const bool exact = arguments.embedded || bab::detail::without_pci(arguments.eal);
    if (named > 0 || (exact && engine.loopback_ports == 0)) require_ports(engine, named, true);
  } catch (const bab::Error& e) {
    findings.push_back(refusal(e.what()));
  }
}

void print_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& f : findings) {
    text += fmt::format("{:<4}  {:<9}  {}\n", bab::level_name(f.level), f.topic, f.text);
    if (!f.mend.empty()) text += fmt::format("{:17}to mend it: {}\n", "", mend_with_flags(f));
  }
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw bab::Error::from_code("writing what was found", errno,
                                "redirect standard output to where there is room");
}

std::string to_json(const std::vector<Finding>& findings) {
  using OrderedJson = nlohmann::ordered_json;
  OrderedJson all = OrderedJson::array();
  std::array<unsigned, 3> counts{};
  for (const Finding& f : findings) {
    ++counts.at(static_cast<std::size_t>(f.level));
    all.push_back({{"level", bab::level_name(f.level)},
                   {"topic", f.topic},
                   {"text", f.text},
                   {"mend", mend_with_flags(f)}});
  }
  const OrderedJson report{{"schema", kJsonSchema}, {"version", BAB_VERSION}, {"ok", counts[0]},
                           {"warn", counts[1]},     {"fail", counts[2]},      {"findings", all}};
  // Names of devices and interfaces may have any bytes: they are from the command line.
  return report.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace

int run_doctor(const Options& options, const Arguments& arguments) {
  JsonReport json(options.json);
  const PortNeeds needs = port_needs(options, arguments.embedded);
  bab::Examination what;
  what.eal = arguments.eal;
  what.memory_bytes = memory_of(arguments, needs);
  what.mtu = needs.mtu;
  what.threads = 1;  // that of StopSignals
  what.workers = options.nb_cores.value_or(what.workers);
  std::vector<Finding> findings = bab::examine(what);
  const bool nics_only = !bab::detail::option_values(arguments.eal, "--allow").empty() &&
                         bab::detail::option_values(arguments.eal, "--vdev").empty();
  findings.push_back(examine_buffers(options, needs, nics_only));
  examine_run(options, arguments, needs, findings);
  if (!options.json_on_stdout()) print_text(findings);
  json.write(to_json(findings));
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.level == Finding::Level::kFail; })
             ? 1
             : 0;
}

}  // namespace testbab
