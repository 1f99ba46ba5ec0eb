#include "show_port.hpp"

#include <array>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include "rss.hpp"
#include "rx_buffers_view.hpp"

namespace testbab {
namespace {

using Json = nlohmann::ordered_json;

std::string mac_text(const bab::wire::MacAddress& mac) {
  return fmt::format("{:02X}:{:02X}:{:02X}:{:02X}:{:02X}:{:02X}", mac[0], mac[1], mac[2], mac[3],
                     mac[4], mac[5]);
}

struct Link {
  bool up;
  std::string speed;  ///< "25 Gbps"
  Json mbps;          ///< null: not known
  bool full_duplex;
};

std::string speed_text(std::uint32_t mbps) {
  if (mbps == RTE_ETH_SPEED_NUM_NONE) return "None";
  if (mbps == RTE_ETH_SPEED_NUM_UNKNOWN) return "Unknown";
  if (mbps < 1000) return fmt::format("{} Mbps", mbps);
  return fmt::format("{} Gbps", static_cast<double>(mbps) / 1000);
}

Link link_of(std::uint16_t id) {
  rte_eth_link link{};
  if (rte_eth_link_get_nowait(id, &link) != 0) link = {};  // a link that is down
  const bool known =
      link.link_speed != RTE_ETH_SPEED_NUM_NONE && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
  return {link.link_status == RTE_ETH_LINK_UP, speed_text(link.link_speed),
          known ? Json(link.link_speed) : Json(), link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX};
}

std::vector<std::pair<std::string, std::uint64_t>> xstats_of(std::uint16_t id) {
  const int n = rte_eth_xstats_get(id, nullptr, 0);
  if (n <= 0) return {};
  std::vector<rte_eth_xstat> values(static_cast<std::size_t>(n));
  std::vector<rte_eth_xstat_name> names(values.size());
  const auto size = static_cast<unsigned>(n);
  if (rte_eth_xstats_get(id, values.data(), size) != n ||
      rte_eth_xstats_get_names(id, names.data(), size) != n)
    return {};
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (const rte_eth_xstat& x : values)
    if (x.id < names.size()) all.emplace_back(names[x.id].name, x.value);
  return all;
}

/// Changes of the link since the ports were opened.
struct LinkHistory {
  std::string text;
  Json last;  // null: it never changed
};

LinkHistory history_of(const bab::PortWatch& watch) {
  const auto& last = watch.last_link_change();
  if (!last) return {"0", nullptr};
  const std::chrono::duration<double> ago = std::chrono::steady_clock::now() - last->at;
  const std::string_view what = bab::port_change_name(last->change);
  return {fmt::format("{}, the last one {:.1f} s ago: {}", watch.link_changes(), ago.count(), what),
          {{"what", what}, {"seconds_ago", ago.count()}}};
}

/// The most buffers of sent frames that the driver keeps, or may keep.
std::uint32_t kept_of_sent(const bab::Port& port) {
  const bool keeps = port.tx_completion() == bab::TxCompletion::kReuse ||
                     port.tx_completion() == bab::TxCompletion::kUnknown;
  return keeps ? port.tx_queues() * port.tx_descriptors() : 0;
}

std::string completion_text(const bab::Port& port) {
  std::string t(bab::tx_completion_name(port.tx_completion()));
  if (const std::uint32_t kept = kept_of_sent(port); kept > 0)
    t += fmt::format(": up to {} {} with the NIC", kept,
                     port.tx_completion() == bab::TxCompletion::kUnknown ? "may stay" : "stay");
  return t;
}

}  // namespace

PortView port_info(Workbench& workbench, std::size_t i) {
  const bab::Port& port = workbench.wiring().port(i);
  const Link link = link_of(port.id());
  const bab::PortWatch& watch = workbench.wiring().watch(i);
  const LinkHistory history = history_of(watch);
  const std::uint32_t kept = kept_of_sent(port);
  const bool promiscuous = port.promiscuous();
  std::string t = fmt::format(
      "\n********************* Infos for port {:<2} *********************\n", port.id());
  const auto add = [&t](std::string_view name, const auto& value) {
    t += fmt::format("{}: {}\n", name, value);
  };
  add("MAC address", mac_text(port.mac()));
  add("Device name", port.name());
  add("Driver name", port.driver());
  add("Connect to socket", rte_eth_dev_socket_id(port.id()));
  add("Port", port.started() ? "started" : "stopped");
  add("Link status", link.up ? "up" : "down");
  add("Link speed", link.speed);
  add("Link duplex", link.full_duplex ? "full-duplex" : "half-duplex");
  add("Link changes", history.text);
  add("Link watched", port.has_link_interrupt() ? "by its interrupt" : "every 100 ms");
  add("MTU", port.mtu());
  const std::vector<std::string_view> rss = rss_functions(port.id());
  add("Promiscuous mode", promiscuous ? "enabled" : "disabled");
  add("RX queues", fmt::format("{} of {} descriptors", port.rx_queues(), port.rx_descriptors()));
  add("TX queues", fmt::format("{} of {} descriptors", port.tx_queues(), port.tx_descriptors()));
  t += rx_buffers_text(port);
  add("Sent buffers come back", completion_text(port));
  add("RSS", rss_text(port, rss));
  Json offloads = Json::object();
  for (const bab::Capability& c : port.offloads().report) {
    t += fmt::format("{}: {}{} ({})\n", c.name, c.by == "off" ? "" : "by ", c.by, c.why);
    offloads[std::string(c.name)] = {{"by", c.by}, {"why", c.why}};
  }
  return {t,
          {{"port", port.id()},
           {"mac", mac_text(port.mac())},
           {"name", port.name()},
           {"driver", port.driver()},
           {"socket", rte_eth_dev_socket_id(port.id())},
           {"started", port.started()},
           {"link_up", link.up},
           {"link_speed_mbps", link.mbps},
           {"full_duplex", link.full_duplex},
           {"link_interrupt", port.has_link_interrupt()},
           {"link_changes", watch.link_changes()},
           {"last_link_change", history.last},
           {"mtu", port.mtu()},
           {"promiscuous", promiscuous},
           {"rx_queues", port.rx_queues()},
           {"tx_queues", port.tx_queues()},
           {"rx_descriptors", port.rx_descriptors()},
           {"tx_descriptors", port.tx_descriptors()},
           {"rx_buffers", rx_buffers_json(port.rx_buffers())},
           {"tx_completion", bab::tx_completion_name(port.tx_completion())},
           {"tx_kept_buffers", kept},
           {"rss", rss},
           {"offloads", offloads}}};
}

PortView port_stats(Workbench& workbench, std::size_t i) {
  const std::uint16_t id = workbench.wiring().port(i).id();
  const bab::PortStats s = workbench.wiring().stats(i);
  PortLook& look = workbench.port_look(i);
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - look.at).count();
  // At the first look and after a clear there is nothing to compare with.
  const auto rate = [&](std::uint64_t is, std::uint64_t was) -> std::uint64_t {
    if (!look.taken || is < was || seconds <= 0) return 0;
    return static_cast<std::uint64_t>(static_cast<double>(is - was) / seconds);
  };
  const std::uint64_t rx_pps = rate(s.rx_frames, look.stats.rx_frames);
  const std::uint64_t tx_pps = rate(s.tx_frames, look.stats.tx_frames);
  const std::uint64_t rx_bps = 8 * rate(s.rx_bytes, look.stats.rx_bytes);
  const std::uint64_t tx_bps = 8 * rate(s.tx_bytes, look.stats.tx_bytes);
  look.taken = true;
  look.stats = s;
  look.at = now;
  constexpr std::string_view kBorder = "########################";
  std::string t = fmt::format("\n  {} NIC statistics for port {:<2} {}\n", kBorder, id, kBorder);
  t += fmt::format("  RX-packets: {:<10} RX-missed: {:<10} RX-bytes:  {}\n", s.rx_frames,
                   s.rx_missed, s.rx_bytes);
  t += fmt::format("  RX-errors: {}\n", s.rx_errors);
  t += fmt::format("  RX-nombuf:  {:<10}\n", s.rx_nombuf);
  t += fmt::format("  TX-packets: {:<10} TX-errors: {:<10} TX-bytes:  {}\n", s.tx_frames,
                   s.tx_errors, s.tx_bytes);
  t += "\n  Throughput (since last show)\n";
  t += fmt::format("  Rx-pps: {:12}          Rx-bps: {:12}\n", rx_pps, rx_bps);
  t += fmt::format("  Tx-pps: {:12}          Tx-bps: {:12}\n", tx_pps, tx_bps);
  t += fmt::format("  {}############################{}\n", kBorder, kBorder);
  return {t,
          {{"port", id},
           {"rx_frames", s.rx_frames},
           {"rx_missed", s.rx_missed},
           {"rx_bytes", s.rx_bytes},
           {"rx_errors", s.rx_errors},
           {"rx_nombuf", s.rx_nombuf},
           {"tx_frames", s.tx_frames},
           {"tx_errors", s.tx_errors},
           {"tx_bytes", s.tx_bytes},
           {"rx_pps", rx_pps},
           {"rx_bps", rx_bps},
           {"tx_pps", tx_pps},
           {"tx_bps", tx_bps}}};
}

PortView port_xstats(Workbench& workbench, std::size_t i) {
  const std::uint16_t id = workbench.wiring().port(i).id();
  PortLook& look = workbench.port_look(i);
  std::string t = fmt::format("###### NIC extended statistics for port {:<2}\n", id);
  Json values = Json::object();
  for (const auto& [name, now] : xstats_of(id)) {
    const auto then = look.cleared_xstats.find(name);
    // A driver may set its counters to 0 when it is started.
    const bool counts_on = then != look.cleared_xstats.end() && now >= then->second;
    const std::uint64_t value = counts_on ? now - then->second : now;
    t += fmt::format("{}: {}\n", name, value);
    values[name] = value;
  }
  return {t, {{"port", id}, {"xstats", values}}};
}

std::string port_summary_head(std::size_t ports) {
  return fmt::format("Number of available ports: {}\n{:<4} {:<17} {:<12} {:<14} {:<8} {}\n", ports,
                     "Port", "MAC Address", "Name", "Driver", "Status", "Link");
}

PortView port_summary(Workbench& workbench, std::size_t i) {
  const bab::Port& port = workbench.wiring().port(i);
  const Link link = link_of(port.id());
  const std::string_view status = link.up ? "up" : "down";
  return {fmt::format("{:<4} {} {:<12} {:<14} {:<8} {}\n", port.id(), mac_text(port.mac()),
                      port.name(), port.driver(), status, link.speed),
          {{"port", port.id()},
           {"mac", mac_text(port.mac())},
           {"name", port.name()},
           {"driver", port.driver()},
           {"status", status},
           {"link_speed_mbps", link.mbps}}};
}

void clear_port_stats(Workbench& workbench, std::size_t i) {
  workbench.wiring().clear_stats(i);
  workbench.port_look(i).taken = false;
}

void clear_port_xstats(Workbench& workbench, std::size_t i) {
  auto& cleared = workbench.port_look(i).cleared_xstats;
  cleared.clear();
  for (const auto& [name, value] : xstats_of(workbench.wiring().port(i).id()))
    cleared[name] = value;
}

}  // namespace testbab
