#include "option_groups.hpp"

#include <map>
#include <string_view>

#include <fmt/format.h>

#include <bab/port/offloads.hpp>
#include <bab/port/port.hpp>

namespace testbab {
namespace {

static_assert(bab::Port::data_room(kMtuMax) == 65'535, "what one mbuf holds");

const std::map<std::string, bab::ChecksumChoice> kChecksums{{"auto", bab::ChecksumChoice::kAuto},
                                                            {"hw", bab::ChecksumChoice::kHw},
                                                            {"sw", bab::ChecksumChoice::kSw},
                                                            {"off", bab::ChecksumChoice::kOff}};

const std::map<std::string, bab::TagChoice> kTags{
    {"auto", bab::TagChoice::kAuto}, {"hw", bab::TagChoice::kHw}, {"sw", bab::TagChoice::kSw}};
const std::map<std::string, bool> kOnOff{{"on", true}, {"off", false}};

}  // namespace

void add_port_options(OptionAdder& to, Options& o) {
  to.add_number("--rxq", o.rxq, 1, 1024, "RX queues per port");
  to.add_number("--txq", o.txq, 1, 1024, "TX queues per port; each is a session of its own");
  to.add_number("--rxd", o.rxd, 0, 32768, "RX descriptors per queue; 0: the driver's default");
  to.add_number("--txd", o.txd, 0, 32768, "TX descriptors per queue; 0: the driver's default");
  to.add_number("--burst", o.burst, 1, 512, "frames per burst");
  to.add_number(
      "--mbcache", o.mbcache, 0, 512,
      "buffers an lcore keeps to itself, in all at most a quarter of the pool; default 250");
  to.add_number(
      "--mbuf-size", o.mbuf_size, 256, 65535,
      "bytes per buffer that is received into, headroom of 128 included; fewer than a frame's "
      "where a NIC can split frames; default: what MTU and driver need");
  to.add_number("--total-num-mbufs", o.total_num_mbufs, 2, 100'000'000,
                "buffers per pool; default: what queues and caches can hold");
  to.add_text("--mtu", "N[,N…]",
              fmt::format("bytes of IP packet [{}-{}]; default 1500, 9000 on the loopback port; a "
                          "second one is the second port's (relay: in,out)",
                          kMtuMin, kMtuMax),
              [&o](const std::string& text) {
                o.mtu.clear();
                std::string_view rest = text;
                while (true) {
                  const std::size_t comma = rest.find(',');
                  o.mtu.push_back(static_cast<unsigned>(
                      number_value(rest.substr(0, comma), "--mtu", kMtuMin, kMtuMax)));
                  if (comma == std::string_view::npos) break;
                  rest.remove_prefix(comma + 1);
                }
              });
  to.add_number("--max-pkt-len", o.max_pkt_len, kMtuMin + kFrameOverhead, kMtuMax + kFrameOverhead,
                "the same as a frame's length: MTU + 14 + 4 of VLAN + 4 of CRC");
  to.add_text(
      "--tx-checksum", "auto|hw|sw|off", "who makes checksums; off: UDP has none",
      [&o](const std::string& t) { o.tx_checksum = choice_value(kChecksums, t, "--tx-checksum"); });
  to.add_text(
      "--rx-checksum", "auto|hw|sw|off", "who verifies IPv4 and (where present) UDP checksums",
      [&o](const std::string& t) { o.rx_checksum = choice_value(kChecksums, t, "--rx-checksum"); });
  to.add_text("--tx-vlan", "auto|hw|sw",
              "who puts --vlan's tag into frames; auto is software, since a NIC would save nothing",
              [&o](const std::string& t) { o.tx_vlan = choice_value(kTags, t, "--tx-vlan"); });
  to.add_flag("--enable-hw-vlan-strip", o.strip_vlan,
              "let the NIC take VLAN tags out of received frames, where it can");
  to.add_text(
      "--promisc", "on|off",
      "receive frames to all addresses, or to the port's own only (of a virtio device: without "
      "VLAN tags); default on",
      [&o](const std::string& t) { o.promiscuous = choice_value(kOnOff, t, "--promisc"); });
}

}  // namespace testbab
