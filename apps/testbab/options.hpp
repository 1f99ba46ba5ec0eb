#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <bab/lcore/idle.hpp>
#include <bab/port/offloads.hpp>
#include <bab/wire/ethernet.hpp>

#include "message_sizes.hpp"
#include "payload.hpp"

namespace testbab {

/// Bytes of a frame beside its IP packet, as testpmd counts them: Ethernet header, one 802.1Q tag
/// and the CRC.
inline constexpr unsigned kFrameOverhead = 14 + 4 + 4;

inline constexpr unsigned kMtuMin = 68;  // RFC 791: every module must forward so much
inline constexpr unsigned kMtuMax = 65'385;

enum class WriterKind : std::uint8_t { kShared, kLocal };

/// The application arguments. Defaults are testpmd's where testpmd has the argument.
struct Options {
  std::string engine = "loop";
  std::optional<unsigned> nb_cores;  ///< workers; default: as many as the engine can use
  std::uint16_t rxq = 1, txq = 1;
  std::uint16_t rxd = 0, txd = 0;  ///< 0: the driver's default
  unsigned burst = 32;
  std::optional<unsigned> mbcache;
  std::optional<unsigned> mbuf_size;        ///< data room, headroom included
  std::optional<unsigned> total_num_mbufs;  ///< per pool
  unsigned stats_period = 0;                ///< seconds; 0: no live text
  std::optional<unsigned> max_pkt_len;
  std::vector<unsigned>
      mtu;  ///< of the ports in their order; the last one is that of all others, too
  std::map<unsigned, bab::wire::MacAddress> eth_peer;
  std::uint32_t source_ip = 0xc6120001, destination_ip = 0xc6120002;  // 198.18.0.1, .2 (RFC 2544)
  std::uint16_t source_port = 9, destination_port = 9;
  MessageSizes sizes{32};
  std::string sizes_text = "32";  ///< as they were given
  /// Messages/s, of all TX queues or writers together; 0: no limit; none: the engine's own.
  std::optional<std::uint64_t> rate;
  unsigned ping_timeout_ms = 1000;
  unsigned writers = 2;  ///< flowgen's
  WriterKind writer_kind = WriterKind::kShared;
  std::uint64_t count = 0;             ///< messages; 0: no end
  double duration = 0;                 ///< seconds; 0: no end
  unsigned idle_exit_ms = 0;           ///< 0: never
  std::optional<std::string> session;  ///< default: the engine's
  std::optional<std::uint16_t> vlan;
  unsigned max_delay_us = 100;
  unsigned flush_messages = 0;  ///< a frame with so many goes; 0: one that is full
  PayloadPart payload = PayloadPart::kAll;
  bab::IdleStrategy idle = bab::IdleStrategy::kPause;
  bab::ChecksumChoice tx_checksum = bab::ChecksumChoice::kAuto;
  bab::ChecksumChoice rx_checksum = bab::ChecksumChoice::kAuto;
  bab::TagChoice tx_vlan = bab::TagChoice::kAuto;
  bool strip_vlan = false;
  bool promiscuous = true;
  std::uint16_t rx_udp_port = 0;
  std::string replay;                   ///< the capture that replay's messages come from
  std::optional<double> speed;          ///< of the recorded pace; 0: as fast as they go; default 1
  std::optional<std::uint64_t> repeat;  ///< rounds of the capture; 0: no end; default 1
  bool keep_duplicates = false;         ///< replay sends messages as often as the capture has them
  std::optional<unsigned> capture_share;  ///< percent of lcores' time
  std::string capture;                    ///< a pcapng file for all frames; empty: none
  bool top = false;                       ///< a live view, full screen
  bool doctor = false;                    ///< examine the machine and end
  std::string json;                       ///< empty: none; "-": standard output
  bool man_page = false;                  ///< print it and end
  bool completion = false;                ///< print what bash needs for it and end
  bool interactive = false;
  bool auto_start = false;   ///< also at a prompt, and before a script
  bool strict = false;       ///< a run that is good with reservations fails
  bool keep_going = false;   ///< scripts go on behind a command that failed
  std::string cmdline_file;  ///< commands to run first; empty: none

  /// Commands come from a person or a file. Otherwise the engine starts, runs and ends.
  [[nodiscard]] bool has_commands() const { return interactive || !cmdline_file.empty(); }

  /// The MTU asked for the port-th port, by --mtu or --max-pkt-len.
  [[nodiscard]] std::optional<unsigned> asked_mtu(std::size_t port) const {
    if (!mtu.empty()) return mtu[std::min(port, mtu.size() - 1)];
    if (max_pkt_len) return *max_pkt_len - kFrameOverhead;
    return std::nullopt;
  }
  [[nodiscard]] bool json_on_stdout() const { return json == "-"; }
};

/// An option, for the man page and for completion.
struct OptionHelp {
  std::string names;  ///< "-i,--interactive"
  std::string value;  ///< "N"; empty: it takes none
  std::string help;
};
std::vector<OptionHelp> option_list();

/// What parse_options gives when the program is to end at once.
struct Ended {
  int exit_code;
  std::string text;  ///< help or version (exit code 0), or one sentence (2)
};

/// Parses application arguments (no program name). Fills `options`, or says why not.
std::optional<Ended> parse_options(const std::vector<std::string>& args, Options& options);

}  // namespace testbab
