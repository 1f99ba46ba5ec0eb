#include "checks.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_args.hpp>
#include <bab/port/shareable.hpp>

#include "../port/device_info.hpp"
#include "../port/queue_limits.hpp"

namespace bab::detail {
namespace {

constexpr std::string_view kLoopback = "loopback";
constexpr std::uint32_t kLoopbackMtu = 9000;
constexpr std::uint32_t kUsualMtu = 1500;
constexpr std::uint16_t kMaxRingQueues = 16;  // net_ring's

std::string label_of(std::size_t i, const BusPort& port) {
  return fmt::format("ports[{}] ({})", i, port.device);
}

void check_range(std::string_view what, std::uint64_t value, std::uint64_t least,
                 std::uint64_t most) {
  if (value < least || value > most)
    throw Error(
        fmt::format("{} is {}, and may be {} to {}; give one of those", what, value, least, most));
}

void check_port(std::size_t i, const BusPort& port) {
  if (port.device.empty())
    throw Error(fmt::format(
        "ports[{}].device is empty; give \"loopback\", or the name of a device that EAL has", i));
  const std::string label = label_of(i, port);
  check_range(label + ": writers", port.writers, 1, 4096);
  check_range(label + ": backlog", port.backlog, 1, 1 << 20);
  check_range(label + ": extra_buffers", port.extra_buffers, 0, 1 << 24);
  const std::uint16_t most = port.device == kLoopback ? kMaxRingQueues : 0xffff;
  check_range(label + ": rx_queues", port.rx_queues, 1, most);
  check_range(label + ": tx_queues", port.tx_queues, 1, most);
  if (!port.host) return;
  if (port.device == kLoopback)
    throw Error(fmt::format(
        "{}: the bus makes a loopback itself, and no host has queues of it; leave host out",
        label));
  const BusPort usual;
  if (port.mtu != 0 || port.rx_queues != 1 || port.tx_queues != 1 || port.rx_descriptors != 0 ||
      port.tx_descriptors != 0 || port.tx_checksum != usual.tx_checksum ||
      port.rx_checksum != usual.rx_checksum || port.vlan.insert != usual.vlan.insert ||
      port.vlan.strip || !port.promiscuous)
    throw Error(fmt::format(
        "{}: MTU, queues, descriptors, checksums, VLAN and promiscuous are the host's to choose; "
        "leave them out, or host",
        label));
}

std::vector<std::string> device_names() {
  std::vector<std::string> all;
  for (const std::uint16_t id : port_ids()) {
    std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
    if (rte_eth_dev_get_name_by_port(id, name.data()) == 0) all.emplace_back(name.data());
  }
  return all;
}

std::uint16_t device_id(std::size_t i, const BusPort& port) {
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(port.device.c_str(), &id) == 0) return id;
  const std::vector<std::string> names = device_names();
  throw Error(fmt::format(
      "ports[{}]: EAL has no device {}; {}; name one of those, have EAL bring it (-a or --vdev), "
      "or "
      "give \"loopback\"",
      i, port.device,
      names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", "))));
}

void check_queues(const std::string& label, const char* which, unsigned asked, unsigned most) {
  if (asked > most)
    throw Error(
        fmt::format("{}: {} is {}, and the device has {}; give fewer", label, which, asked, most));
}

constexpr std::uint32_t kMaxMtuInABuffer = 0xffff - Port::data_room(0);

void check_hosts_mtu(const PortChoice& choice) {
  std::uint16_t mtu = 0;
  if (const int e = rte_eth_dev_get_mtu(choice.id, &mtu); e != 0)
    throw Error::from_code(fmt::format("{}: asking for its MTU", choice.label), e);
  if (mtu > kMaxMtuInABuffer)
    throw Error(fmt::format(
        "{}: the host gave it an MTU of {}, and a buffer has room for {} at most; have the host "
        "configure a smaller one",
        choice.label, mtu, kMaxMtuInABuffer));
}

void check_device(const PortChoice& choice) {
  const rte_eth_dev_info info = device_info(choice.id);
  const BusPort& asked = choice.options;
  if (asked.host) {
    const auto check = [&](const char* which, std::uint16_t queue, std::uint16_t queues) {
      if (queue >= queues)
        throw Error(fmt::format(
            "{}: host.{} is {}, and the port was configured with {} such queues; give a lower "
            "one, or configure more",
            choice.label, which, queue, queues));
    };
    check("rx", asked.host->rx, info.nb_rx_queues);
    check("tx", asked.host->tx, info.nb_tx_queues);
    require_shareable(choice.id);
    check_hosts_mtu(choice);
    return;
  }
  const QueueLimits most = queue_limits(info);
  check_queues(choice.label, "rx_queues", asked.rx_queues, most.rx);
  check_queues(choice.label, "tx_queues", asked.tx_queues, most.tx);
  check_range(choice.label + ": mtu", asked.mtu, info.min_mtu,
              std::min<std::uint32_t>(info.max_mtu, kMaxMtuInABuffer));
}

}  // namespace

void check_options(const BusOptions& options) {
  if (options.ports.empty())
    throw Error(
        "a Bus needs a port, and BusOptions::ports has none; give it {.device = \"loopback\"}");
  for (std::size_t i = 0; i < options.ports.size(); ++i) check_port(i, options.ports[i]);
  for (std::size_t i = 0; i < options.ports.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (options.ports[i].device == options.ports[j].device &&
          options.ports[i].device != kLoopback)
        throw Error(fmt::format(
            "ports[{}] and ports[{}] are both {}; a device is one port of a bus: leave one out", j,
            i, options.ports[i].device));
  check_range("BusOptions::cache", options.cache, 0, 512);
  check_range("BusOptions::stop_ms", options.stop_ms, 10, 600'000);
  for (std::size_t i = 0; i < options.lcores.size(); ++i)
    if (std::count(options.lcores.begin(), options.lcores.end(), options.lcores[i]) > 1)
      throw Error(
          fmt::format("BusOptions::lcores names {} twice; leave one out", options.lcores[i]));
}

std::vector<PortChoice> choose_ports(const BusOptions& options) {
  std::vector<PortChoice> all;
  for (std::size_t i = 0; i < options.ports.size(); ++i) {
    PortChoice& choice = all.emplace_back();
    choice.options = options.ports[i];
    choice.label = label_of(i, choice.options);
    choice.is_loopback = choice.options.device == kLoopback;
    if (choice.options.mtu == 0 && !choice.options.host)
      choice.options.mtu = choice.is_loopback ? kLoopbackMtu : kUsualMtu;
    if (choice.is_loopback) {
      check_range(choice.label + ": mtu", choice.options.mtu, 68, 32'746);
      continue;
    }
    choice.id = device_id(i, choice.options);
    check_device(choice);
  }
  return all;
}

std::vector<unsigned> choose_lcores(const BusOptions& options) {
  std::vector<unsigned> workers;
  unsigned lcore;
  RTE_LCORE_FOREACH_WORKER(lcore) workers.push_back(lcore);
  for (const unsigned wanted : options.lcores)
    if (std::find(workers.begin(), workers.end(), wanted) == workers.end())
      throw Error(fmt::format(
          "BusOptions::lcores names {}, which is no worker lcore; {}; name one of those, or give "
          "EAL more with {}",
          wanted,
          workers.empty() ? "EAL has none" : fmt::format("EAL has {}", fmt::join(workers, ", ")),
          lcores_for_workers(std::max<std::size_t>(workers.size() + 1, options.lcores.size()))));
  if (options.lcores.empty()) return workers;
  workers = options.lcores;
  std::sort(workers.begin(), workers.end());
  return workers;
}

wire::Session session_of(std::string_view what, std::string_view name) {
  const bool is_printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (name.empty() || name.size() > std::tuple_size_v<wire::Session> || !is_printable)
    throw Error(fmt::format(
        "{}: session \"{}\" is {} characters long, and MoldUDP64 has 1 to 10 of printable ASCII; "
        "give another name",
        what, name, name.size()));
  return wire::make_session(name);
}

std::string new_session_name() {
  static std::atomic<std::uint64_t> last{0};
  const auto now =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  std::uint64_t before = last.load();
  std::uint64_t mine = 0;
  do mine = std::max(now, before + 1);
  while (!last.compare_exchange_weak(before, mine));
  std::array<char, 16> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), mine, 36);
  std::string name(text.data(), written.ptr);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name;
}

void check_vlan(std::string_view what, std::optional<std::uint16_t> vlan) {
  if (vlan) check_range(fmt::format("{}: vlan", what), *vlan, 0, wire::kVlanIdMax);
}

wire::FrameHeaderOptions header_of(std::string_view what, const PublishOptions& options,
                                   bool is_ring) {
  const Endpoint to = parse_endpoint(fmt::format("{}: to", what), options.to);
  Endpoint from;
  if (!options.from.empty()) from = parse_endpoint(fmt::format("{}: from", what), options.from);
  check_vlan(what, options.vlan);
  check_range(fmt::format("{}: ttl", what), options.ttl, 1, 255);
  wire::FrameHeaderOptions h;
  if (options.to_mac)
    h.destination_mac = *options.to_mac;
  else if (wire::is_multicast(to.ip))
    h.destination_mac = wire::multicast_mac(to.ip);
  else if (!is_ring)
    throw Error(fmt::format(
        "{}: {} is no group (224.0.0.0 to 239.255.255.255), and nobody is asked for its Ethernet "
        "address; give to_mac",
        what, options.to));
  h.vlan_id = options.vlan;
  h.source_ip = from.ip;
  h.destination_ip = to.ip;
  h.source_port = from.port;
  h.destination_port = to.port;
  h.ttl = options.ttl;
  h.session = session_of(what, options.session.empty() ? new_session_name() : options.session);
  return h;
}

FlushPolicy flush_of(std::string_view what, const PublishOptions& options) {
  FlushPolicy policy;
  check_range(fmt::format("{}: flush_messages", what), options.flush_messages, 0,
              wire::kMoldMaxCount);
  check_range(fmt::format("{}: flush_us", what), options.flush_us, 0, 60'000'000);
  if (options.flush_messages > 0) policy.max_messages = options.flush_messages;
  policy.max_delay_tsc = options.flush_us * rte_get_tsc_hz() / 1'000'000;
  return policy;
}

}  // namespace bab::detail
