#include <array>
#include <chrono>

#include <fmt/format.h>
#include <rte_ethdev.h>
#include <nlohmann/json.hpp>

#include <bab/base/error.hpp>

#include "command.hpp"
#include "console.hpp"
#include "number.hpp"
#include "show_port.hpp"

namespace testbab {
namespace {

/// The ports that `word` names: indexes into the wiring.
std::vector<std::size_t> ports_of(const Wiring& wiring, const std::string& word,
                                  std::string_view command) {
  std::vector<std::size_t> all;
  std::string ids;
  for (std::size_t i = 0; i < wiring.ports(); ++i) {
    const std::string id = fmt::format("{}", wiring.port(i).id());
    ids += (ids.empty() ? "" : ", ") + id;
    if (word == "all" || word == id) all.push_back(i);
  }
  if (all.empty())
    throw bab::Error(fmt::format("{}: there is no port {}; the ports are {}", command, word, ids));
  return all;
}

void require_stopped(const Workbench& workbench, std::string_view command) {
  if (workbench.running())
    throw bab::Error(fmt::format("{}: {} runs and uses the ports; stop it first", command,
                                 workbench.engine().name));
}

void require_no_capture(const Workbench& workbench, std::string_view command) {
  if (workbench.capture() != nullptr)
    throw bab::Error(
        fmt::format("{}: frames of the ports are captured; stop the capture first", command));
}

void show_port(Console& console, const Words& words) {
  using Json = nlohmann::ordered_json;
  Workbench& workbench = console.workbench();
  const std::string& what = words[2];
  const auto ports = ports_of(workbench.wiring(), words[3], fmt::format("show port {}", what));
  Json all{{"ports", Json::array()}};
  std::string text;
  if (what == "summary") text = port_summary_head(workbench.wiring().ports());
  for (std::size_t i : ports) {
    const PortView view = what == "info"     ? port_info(workbench, i)
                          : what == "stats"  ? port_stats(workbench, i)
                          : what == "xstats" ? port_xstats(workbench, i)
                                             : port_summary(workbench, i);
    all["ports"].push_back(view.json);
    text += view.text;
  }
  if (wants_json(words))
    console.print_json(all);
  else
    console.print(text);
}

void clear_port(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  for (std::size_t i :
       ports_of(workbench.wiring(), words[3], fmt::format("clear port {}", words[2]))) {
    if (words[2] == "stats")
      clear_port_stats(workbench, i);
    else
      clear_port_xstats(workbench, i);
    console.print(
        fmt::format("{} of port {} cleared\n", words[2], workbench.wiring().port(i).id()));
  }
}

void start_port(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  const auto ports = ports_of(workbench.wiring(), words[2], "port start");
  std::string text;
  for (std::size_t i : ports)
    text += fmt::format("port {} {}\n", workbench.wiring().port(i).id(),
                        workbench.wiring().port(i).started() ? "is started already" : "started");
  workbench.wiring().start(ports);
  console.print(text);
  workbench.say_notes();
}

void stop_port(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  const auto ports = ports_of(workbench.wiring(), words[2], "port stop");
  require_stopped(workbench, "port stop");
  for (std::size_t i : ports) {
    const bool was = workbench.wiring().port(i).started();
    workbench.wiring().stop(i);
    console.print(fmt::format("port {} {}\n", workbench.wiring().port(i).id(),
                              was ? "stopped" : "is stopped already"));
  }
}

void set_mtu(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  const auto mtu =
      static_cast<unsigned>(command_number(words[4], "port config mtu", kMtuMin, kMtuMax));
  const std::size_t i = ports_of(workbench.wiring(), words[3], "port config mtu")[0];
  require_stopped(workbench, "port config mtu");
  require_no_capture(workbench, "port config mtu");
  workbench.wiring().set_mtu(workbench.options(), i, mtu);
  const bab::Port& port = workbench.wiring().port(i);
  console.print(fmt::format("port {}: MTU {}, read back from it{}\n", port.id(), port.mtu(),
                            port.started() ? "" : "; it is stopped"));
  workbench.say_notes();
}

void set_promisc(Console& console, const Words& words) {
  Workbench& workbench = console.workbench();
  for (std::size_t i : ports_of(workbench.wiring(), words[2], "set promisc")) {
    bab::Port& port = workbench.wiring().port(i);
    port.set_promiscuous(words[3] == "on");
    console.print(fmt::format("port {}: promiscuous mode {}\n", port.id(),
                              port.promiscuous() ? "enabled" : "disabled"));
  }
}

constexpr std::array kPortCommands{
    Command{"port start (N|all)", "start a port that was stopped, and wait for its link",
            start_port},
    Command{"port stop (N|all)", "stop a port; its driver gives its buffers back", stop_port},
    Command{"port config mtu N M",
            "give port N an MTU of M bytes: it is stopped, configured and started again", set_mtu},
    Command{"set promisc (N|all) (on|off)",
            "receive frames to all addresses, or to the port's own only, at once", set_promisc},
    Command{"show port (info|stats|summary|xstats) (N|all) [json]",
            "what a port is and can do, what it did, a line for each, its driver's own figures",
            show_port},
    Command{"clear port (stats|xstats) (N|all)", "count a port's figures from here on", clear_port},
};

}  // namespace

std::span<const Command> port_commands() { return kPortCommands; }

}  // namespace testbab
