#include "option_groups.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <bab/wire/ethernet.hpp>
#include <bab/wire/moldudp64.hpp>

namespace testbab {
namespace {

const std::map<std::string, PayloadPart> kPayload{{"all", PayloadPart::kAll},
                                                  {"number", PayloadPart::kNumber}};

}  // namespace

void add_message_options(OptionAdder& to, Options& o) {
  to.add_text("--eth-peer", "PORT,MAC", "destination MAC of a port's frames",
              [&o](const std::string& text) {
                const auto [port, mac] = pair_value(text, "--eth-peer", "PORT,MAC");
                o.eth_peer[static_cast<unsigned>(number_value(port, "--eth-peer", 0, 31))] =
                    mac_value(mac, "--eth-peer");
              })
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->trigger_on_parse();
  to.add_text("--tx-ip", "SRC,DST", "IPv4 addresses; default 198.18.0.1,198.18.0.2",
              [&o](const std::string& text) {
                const auto [source, destination] = pair_value(text, "--tx-ip", "SRC,DST");
                o.source_ip = ip_value(source, "--tx-ip");
                o.destination_ip = ip_value(destination, "--tx-ip");
              });
  to.add_text("--tx-udp", "SRC,DST", "UDP ports; default 9,9", [&o](const std::string& text) {
    const auto [source, destination] = pair_value(text, "--tx-udp", "SRC,DST");
    o.source_port = static_cast<std::uint16_t>(number_value(source, "--tx-udp", 0, 65535));
    o.destination_port =
        static_cast<std::uint16_t>(number_value(destination, "--tx-udp", 0, 65535));
  });
  to.add_text("--msg-size", "N|MIN-MAX|N,N…",
              "bytes per message: fixed, spread over a range, or these in turn; default 32",
              [&o](const std::string& text) {
                o.sizes = sizes_value(MessageSizes::parse, text, "--msg-size");
                o.sizes_text = text;
              });
  to.add_text("--msg-mix", "SIZE:WEIGHT[,…]",
              "bytes per message: of these, each as often as its weight says",
              [&o](const std::string& text) {
                o.sizes = sizes_value(MessageSizes::parse_mix, text, "--msg-mix");
                o.sizes_text = text;
              });
  to.add_text("--payload", "all|number",
              "bytes of a message that are written, and checked when it comes: all, or the first 8 "
              "with its number, at both ends; default all",
              [&o](const std::string& t) { o.payload = choice_value(kPayload, t, "--payload"); });
  to.add_text("--rate", "N[k|M|G]",
              "messages per second, of all senders together; 0: no limit; default 0, of ping 5k",
              [&o](const std::string& text) { o.rate = rate_value(text, "--rate"); });
  to.add_number("--ping-timeout-ms", o.ping_timeout_ms, 1, 60'000,
                "ping: a message that has not come back by then is lost; default 1000");
  to.add_text("--session", "NAME",
              "MoldUDP64 session, 1 to 10 ASCII characters; default TESTBAB, of relay BABRELAY",
              [&o](const std::string& text) {
                const bool ascii = std::all_of(text.begin(), text.end(),
                                               [](char c) { return c >= ' ' && c <= '~'; });
                if (text.empty() || text.size() > 10 || !ascii)
                  throw CLI::ValidationError(fmt::format(
                      "--session: \"{}\" is not 1 to 10 printable ASCII characters", text));
                o.session = text;
              });
  to.add_number("--vlan", o.vlan, 0, bab::wire::kVlanIdMax, "802.1Q tag of outgoing frames");
  to.add_number("--max-delay-us", o.max_delay_us, 0, 60'000'000,
                "a message waits no longer for its frame to fill; 0: for ever");
  to.add_number("--flush-messages", o.flush_messages, 0, 65'534,
                "a frame goes when it has so many messages; 0: when it is full");
  to.add_number("--rx-udp-port", o.rx_udp_port, 0, 65535,
                "take only this destination port; 0: any");
}

}  // namespace testbab
