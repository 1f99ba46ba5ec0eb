#include "options.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <bab/port/port.hpp>

#include "capture_request.hpp"
#include "completion.hpp"
#include "engine.hpp"
#include "idle_words.hpp"
#include "man_page.hpp"
#include "number.hpp"

namespace testbab {
namespace {

using bab::ChecksumChoice;

/// `text` is a whole number from lo to hi, or a CLI11 error says what was expected.
template <class T>
T number(std::string_view text, std::string_view option, std::uint64_t lo, std::uint64_t hi) {
  try {
    return static_cast<T>(whole_number(text, lo, hi));
  } catch (const std::invalid_argument& e) {
    throw CLI::ValidationError(fmt::format("{}: {}", option, e.what()));
  }
}

/// Messages per second: "500", "20k", "1.5M".
std::uint64_t rate(std::string_view text, std::string_view option) {
  constexpr double kMost = 1e9;
  const auto wrong = [&] {
    return CLI::ValidationError(fmt::format(
        "{}: \"{}\" is not a whole number from 0 to 1G of messages per second, as in 500, 20k or "
        "1.5M",
        option, text));
  };
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || end - unit > 1) throw wrong();
  if (unit != end) {
    constexpr std::string_view kUnits = "kMG";
    const std::size_t at = kUnits.find(*unit);
    if (at == std::string_view::npos) throw wrong();
    value *= std::pow(1000, static_cast<double>(at + 1));
  }
  // Not for infinity or what is no number, either.
  if (!(value >= 0 && value <= kMost) || std::abs(value - std::round(value)) > 1e-6) throw wrong();
  return static_cast<std::uint64_t>(std::llround(value));
}

std::pair<std::string, std::string> two(const std::string& text, char separator,
                                        std::string_view option, std::string_view form) {
  const std::size_t at = text.find(separator);
  if (at == std::string::npos)
    throw CLI::ValidationError(fmt::format("{}: \"{}\" is not of the form {}", option, text, form));
  return {text.substr(0, at), text.substr(at + 1)};
}

std::uint32_t ip_address(const std::string& text, std::string_view option) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1)
    throw CLI::ValidationError(fmt::format("{}: \"{}\" is not an IPv4 address", option, text));
  return ntohl(address.s_addr);
}

bab::wire::MacAddress mac_address(const std::string& text, std::string_view option) {
  std::array<unsigned, 6> b{};
  int used = 0;
  const int n = std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
                            &b[4], &b[5], &used);
  if (n != 6 || static_cast<std::size_t>(used) != text.size())
    throw CLI::ValidationError(
        fmt::format("{}: \"{}\" is not a MAC address like 02:00:00:00:00:01", option, text));
  bab::wire::MacAddress mac{};
  for (std::size_t i = 0; i < mac.size(); ++i) mac[i] = static_cast<std::uint8_t>(b[i]);
  return mac;
}

const std::map<std::string, ChecksumChoice> kChecksums{{"auto", ChecksumChoice::kAuto},
                                                       {"hw", ChecksumChoice::kHw},
                                                       {"sw", ChecksumChoice::kSw},
                                                       {"off", ChecksumChoice::kOff}};

const std::map<std::string, bab::TagChoice> kTags{
    {"auto", bab::TagChoice::kAuto}, {"hw", bab::TagChoice::kHw}, {"sw", bab::TagChoice::kSw}};
const std::map<std::string, bool> kOnOff{{"on", true}, {"off", false}};

static_assert(bab::Port::data_room(kMtuMax) == 65'535, "what one mbuf holds");

/// The same as counted without a tag.
constexpr unsigned kUntaggedOverhead = 14 + 4;

const std::map<std::string, PayloadPart> kPayload{{"all", PayloadPart::kAll},
                                                  {"number", PayloadPart::kNumber}};
const std::map<std::string, WriterKind> kWriterKinds{{"shared", WriterKind::kShared},
                                                     {"local", WriterKind::kLocal}};

class Parser {
 public:
  explicit Parser(Options& o)
      : o_(o),
        app_("Drive the bab message bus: testbab [EAL arguments] -- [arguments]", "testbab") {
    app_.set_version_flag("--version,-V", "testbab " BAB_VERSION)->disable_flag_override();
    app_.get_help_ptr()->disable_flag_override();
    app_.footer(engine_help() +
                "\nWithout --, all arguments are the application's, and EAL runs without root, "
                "hugepages or a NIC.\nA real NIC:  testbab -l 0-2 -a 0000:01:00.0 -- "
                "--forward-mode=rxonly\n");
    add_engine_options();
    add_port_options();
    add_stream_options();
    add_report_options();
    add_prompt_options();
  }

  std::optional<Ended> parse(const std::vector<std::string>& args) {
    // CLI11 would take the next argument as the value.
    for (const std::string& a : args)
      if (a.starts_with("--") && a.size() > 3 && a.find('=') == a.size() - 1)
        return Ended{2, fmt::format("{}: a value is missing behind the =; see testbab --help",
                                    a.substr(0, a.size() - 1))};
    std::vector<std::string> reversed(args.rbegin(), args.rend());  // what CLI11 takes
    if (std::find(args.begin(), args.end(), "--doctor") != args.end())
      for (std::size_t i = 0; i < reversed.size(); ++i)
        if (reversed[i] == "--json" && (i == 0 || reversed[i - 1].starts_with("--")))
          reversed[i] = "--json=-";
    try {
      app_.parse(reversed);
      check();
    } catch (const CLI::ExtrasError&) {
      return Ended{
          2, fmt::format("unexpected arguments: {}; EAL's go in front of a --, ours are listed "
                         "by testbab --help",
                         fmt::join(app_.remaining(), " "))};
    } catch (const CLI::ArgumentMismatch& e) {
      return Ended{2, in_our_words(e.what())};
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() == 0) {
        std::ostringstream text;
        app_.exit(e, text, text);
        return Ended{0, text.str()};
      }
      std::string what = e.what();
      while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
      return Ended{2, what + "; see testbab --help"};
    }
    if (o_.man_page) return Ended{0, testbab::man_page()};
    if (o_.completion) return Ended{0, bash_completion()};
    return std::nullopt;
  }

  std::vector<OptionHelp> list() {
    std::vector<OptionHelp> all;
    for (const CLI::Option* o : app_.get_options())
      all.push_back({o->get_name(false, true), o->get_type_name(), o->get_description()});
    return all;
  }

 private:
  /// What CLI11 says of a wrong number of values.
  static std::string in_our_words(std::string_view what) {
    std::string option(what.substr(0, what.find_first_of(": ")));
    if (!option.starts_with("-")) option.insert(0, "--");  // flags come without
    const auto has = [&](std::string_view words) {
      return what.find(words) != std::string_view::npos;
    };
    const bool too_many = has("At Most") || has("At most");  // the latter since CLI11 2.6
    const std::string_view why = too_many               ? "it is given more than once; give it once"
                                 : has("flag override") ? "it takes no value; leave the = out"
                                                        : "a value is missing behind it";
    return fmt::format("{}: {}; see testbab --help", option, why);
  }

  template <class T>
  CLI::Option* add_number(const std::string& name, T& value, std::uint64_t lo, std::uint64_t hi,
                          const std::string& help) {
    return app_
        .add_option_function<std::string>(
            name, [=, &value](const std::string& text) { value = number<T>(text, name, lo, hi); },
            fmt::format("{} [{}-{}]", help, lo, hi))
        ->type_name("N");
  }
  template <class T>
  CLI::Option* add_number(const std::string& name, std::optional<T>& value, std::uint64_t lo,
                          std::uint64_t hi, const std::string& help) {
    return app_
        .add_option_function<std::string>(
            name, [=, &value](const std::string& text) { value = number<T>(text, name, lo, hi); },
            fmt::format("{} [{}-{}]", help, lo, hi))
        ->type_name("N");
  }
  void add_flag(const std::string& name, bool& value, const std::string& help) {
    app_.add_flag(name, value, help)->disable_flag_override();
  }
  CLI::Option* add_text(const std::string& name, const std::string& type, const std::string& help,
                        std::function<void(const std::string&)> take) {
    return app_.add_option_function<std::string>(name, std::move(take), help)->type_name(type);
  }

  void add_engine_options() {
    add_text("--forward-mode", "ENGINE", "what to do (below); default loop",
             [this](const std::string& name) {
               if (find_engine(name) == nullptr)
                 throw CLI::ValidationError(fmt::format(
                     "--forward-mode: \"{}\" is no engine; there are {}", name, engine_names()));
               o_.engine = name;
             });
    add_number("--nb-cores", o_.nb_cores, 1, 127, "worker lcores to use; main isn't one");
    add_flag("-a,--auto-start", o_.auto_start,
             "start at once; without a prompt or a script it always does");
    add_number(
        "--count", o_.count, 0, UINT64_MAX,
        "messages to send (rxonly, relay, echo: to receive; null: frames), then stop; 0: no end");
    add_text("--duration", "SEC", "stop after so many seconds; 0: no end",
             [this](const std::string& text) {
               char* end = nullptr;
               const double v = std::strtod(text.c_str(), &end);
               if (text.empty() || *end != '\0' || !(v >= 0) || v > 1e9)
                 throw CLI::ValidationError(
                     fmt::format("--duration: \"{}\" is not a number of seconds", text));
               o_.duration = v;
             });
    add_number("--writers", o_.writers, 1, 1024,
               "flowgen: writers, dealt out over the lcores; default 2");
    add_text("--writer-kind", "shared|local",
             "flowgen: all on one shared writer, or one local writer each; default shared",
             [this](const std::string& t) {
               o_.writer_kind = choice(kWriterKinds, t, "--writer-kind");
             });
    add_text("--idle", idle_words(), "what an lcore does between turns without work; default pause",
             [this](const std::string& t) { o_.idle = choice(idle_strategies(), t, "--idle"); });
    add_text("--replay", "FILE", "replay: the capture (pcap or pcapng) with the messages to send",
             [this](const std::string& text) {
               if (text.empty()) throw CLI::ValidationError("--replay: it takes a file's path");
               o_.replay = text;
             });
    add_text("--speed", "X|max",
             "replay: times the recorded pace, or as fast as they go; default 1",
             [this](const std::string& text) {
               char* end = nullptr;
               const double v = text == "max" ? 0 : std::strtod(text.c_str(), &end);
               if (text != "max" && (text.empty() || *end != '\0' || !(v >= 1e-6 && v <= 1e6)))
                 throw CLI::ValidationError(fmt::format(
                     "--speed: \"{}\" is neither max nor a number from 0.000001 to 1000000", text));
               o_.speed = v;
             });
    add_number("--repeat", o_.repeat, 0, UINT64_MAX,
               "replay: times to send the capture; 0: no end; default 1");
    add_flag("--keep-duplicates", o_.keep_duplicates,
             "replay: send messages as often as the capture has them; else once each, by session, "
             "sequence number and bytes");
    add_number("--idle-exit-ms", o_.idle_exit_ms, 0, 86'400'000,
               "stop when nothing came for so long; 0: never");
  }

  void add_port_options() {
    add_number("--rxq", o_.rxq, 1, 1024, "RX queues per port");
    add_number("--txq", o_.txq, 1, 1024, "TX queues per port; each is a session of its own");
    add_number("--rxd", o_.rxd, 0, 32768, "RX descriptors per queue; 0: the driver's default");
    add_number("--txd", o_.txd, 0, 32768, "TX descriptors per queue; 0: the driver's default");
    add_number("--burst", o_.burst, 1, 512, "frames per burst");
    add_number(
        "--mbcache", o_.mbcache, 0, 512,
        "buffers an lcore keeps to itself, in all at most a quarter of the pool; default 250");
    add_number(
        "--mbuf-size", o_.mbuf_size, 256, 65535,
        "bytes per buffer that is received into, headroom of 128 included; fewer than a frame's "
        "where a NIC can split frames; default: what MTU and driver need");
    add_number("--total-num-mbufs", o_.total_num_mbufs, 2, 100'000'000,
               "buffers per pool; default: what queues and caches can hold");
    add_text(
        "--mtu", "N[,N…]",
        fmt::format("bytes of IP packet [{}-{}]; default 1500, 9000 on the loopback port; a "
                    "second one is the second port's (relay: in,out)",
                    kMtuMin, kMtuMax),
        [this](const std::string& text) {
          o_.mtu.clear();
          std::string_view rest = text;
          while (true) {
            const std::size_t comma = rest.find(',');
            o_.mtu.push_back(number<unsigned>(rest.substr(0, comma), "--mtu", kMtuMin, kMtuMax));
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
          }
        });
    add_number("--max-pkt-len", o_.max_pkt_len, kMtuMin + kFrameOverhead, kMtuMax + kFrameOverhead,
               "the same as a frame's length: MTU + 14 + 4 of VLAN + 4 of CRC");
    add_text(
        "--tx-checksum", "auto|hw|sw|off", "who makes checksums; off: UDP has none",
        [this](const std::string& t) { o_.tx_checksum = choice(kChecksums, t, "--tx-checksum"); });
    add_text(
        "--rx-checksum", "auto|hw|sw|off", "who verifies IPv4 and (where present) UDP checksums",
        [this](const std::string& t) { o_.rx_checksum = choice(kChecksums, t, "--rx-checksum"); });
    add_text("--tx-vlan", "auto|hw|sw",
             "who puts --vlan's tag into frames; auto is software, since a NIC would save nothing",
             [this](const std::string& t) { o_.tx_vlan = choice(kTags, t, "--tx-vlan"); });
    add_flag("--enable-hw-vlan-strip", o_.strip_vlan,
             "let the NIC take VLAN tags out of received frames, where it can");
    add_text(
        "--promisc", "on|off",
        "receive frames to all addresses, or to the port's own only (of a virtio device: without "
        "VLAN tags); default on",
        [this](const std::string& t) { o_.promiscuous = choice(kOnOff, t, "--promisc"); });
  }

  void add_stream_options() {
    add_text("--eth-peer", "PORT,MAC", "destination MAC of a port's frames",
             [this](const std::string& text) {
               const auto [port, mac] = two(text, ',', "--eth-peer", "PORT,MAC");
               o_.eth_peer[number<unsigned>(port, "--eth-peer", 0, 31)] =
                   mac_address(mac, "--eth-peer");
             })
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->trigger_on_parse();
    add_text("--tx-ip", "SRC,DST", "IPv4 addresses; default 198.18.0.1,198.18.0.2",
             [this](const std::string& text) {
               const auto [source, destination] = two(text, ',', "--tx-ip", "SRC,DST");
               o_.source_ip = ip_address(source, "--tx-ip");
               o_.destination_ip = ip_address(destination, "--tx-ip");
             });
    add_text("--tx-udp", "SRC,DST", "UDP ports; default 9,9", [this](const std::string& text) {
      const auto [source, destination] = two(text, ',', "--tx-udp", "SRC,DST");
      o_.source_port = number<std::uint16_t>(source, "--tx-udp", 0, 65535);
      o_.destination_port = number<std::uint16_t>(destination, "--tx-udp", 0, 65535);
    });
    msg_size_ =
        add_text("--msg-size", "N|MIN-MAX|N,N…",
                 "bytes per message: fixed, spread over a range, or these in turn; default 32",
                 [this](const std::string& text) {
                   o_.sizes = sizes(MessageSizes::parse, text, "--msg-size");
                   o_.sizes_text = text;
                 });
    msg_mix_ = add_text("--msg-mix", "SIZE:WEIGHT[,…]",
                        "bytes per message: of these, each as often as its weight says",
                        [this](const std::string& text) {
                          o_.sizes = sizes(MessageSizes::parse_mix, text, "--msg-mix");
                          o_.sizes_text = text;
                        });
    add_text("--payload", "all|number",
             "bytes of a message that are written, and checked when it comes: all, or the first 8 "
             "with its number, at "
             "both ends; default all",
             [this](const std::string& t) { o_.payload = choice(kPayload, t, "--payload"); });
    add_text("--rate", "N[k|M|G]",
             "messages per second, of all senders together; 0: no limit; default 0, of ping 5k",
             [this](const std::string& text) { o_.rate = rate(text, "--rate"); });
    add_number("--ping-timeout-ms", o_.ping_timeout_ms, 1, 60'000,
               "ping: a message that has not come back by then is lost; default 1000");
    add_text("--session", "NAME",
             "MoldUDP64 session, 1 to 10 ASCII characters; default TESTBAB, of "
             "relay BABRELAY",
             [this](const std::string& text) {
               const bool ascii = std::all_of(text.begin(), text.end(),
                                              [](char c) { return c >= ' ' && c <= '~'; });
               if (text.empty() || text.size() > 10 || !ascii)
                 throw CLI::ValidationError(fmt::format(
                     "--session: \"{}\" is not 1 to 10 printable ASCII characters", text));
               o_.session = text;
             });
    add_number("--vlan", o_.vlan, 0, bab::wire::kVlanIdMax, "802.1Q tag of outgoing frames");
    add_number("--max-delay-us", o_.max_delay_us, 0, 60'000'000,
               "a message waits no longer for its frame to fill; 0: for ever");
    add_number("--flush-messages", o_.flush_messages, 0, 65'534,
               "a frame goes when it has so many messages; 0: when it is full");
    add_number("--rx-udp-port", o_.rx_udp_port, 0, 65535,
               "take only this destination port; 0: any");
  }

  void add_report_options() {
    app_.add_flag(
            "--doctor", o_.doctor,
            "examine this machine for the run that the other arguments ask for, and end; with "
            "--json alone the findings go to standard output as JSON")
        ->disable_flag_override();
    add_number("--stats-period", o_.stats_period, 0, 86'400, "seconds between lines of live rates");
    add_text("--capture", "FILE", "write all frames, sent and received, to a pcapng file",
             [this](const std::string& text) {
               if (text.empty()) throw CLI::ValidationError("--capture: it takes a file's path");
               o_.capture = text;
             });
    add_number(
        "--capture-share", o_.capture_share, 1, kMostShare,
        "percent of lcores' work that captured frames may cost, beside their idle time; 100: "
        "no bound; default 2");
    add_text("--json", "FILE",
             "write a report; - is standard output, and text goes to standard error",
             [this](const std::string& text) {
               if (text.empty()) throw CLI::ValidationError("--json: it takes a file's path, or -");
               o_.json = text;
             });
  }

  void add_prompt_options() {
    add_flag("--top", o_.top,
             "a live view of the run, full screen on a terminal, else lines of rates");
    add_flag("-i,--interactive", o_.interactive,
             "open a prompt, or take commands from a pipe; help lists them");
    add_text("--cmdline-file", "FILE", "run a file's commands, one a line, before anything else",
             [this](const std::string& text) {
               if (text.empty())
                 throw CLI::ValidationError("--cmdline-file: it takes a file's path");
               o_.cmdline_file = text;
             });
    add_flag("--keep-going", o_.keep_going,
             "scripts go on behind a command that failed; the exit code is still 1");
    add_flag("--man", o_.man_page, "print the manual page, for man -l -, and end");
    add_flag("--bash-completion", o_.completion,
             "print what bash needs to complete these arguments, and end");
  }

  /// The value of one of a few words.
  template <class T>
  static T choice(const std::map<std::string, T>& words, const std::string& text,
                  std::string_view option) {
    if (const auto found = words.find(text); found != words.end()) return found->second;
    std::string all;
    for (const auto& [word, value] : words) all += (all.empty() ? "" : ", ") + word;
    throw CLI::ValidationError(fmt::format("{}: \"{}\" is none of {}", option, text, all));
  }

  static MessageSizes sizes(MessageSizes (*parse)(std::string_view), const std::string& text,
                            std::string_view option) {
    try {
      return parse(text);
    } catch (const std::invalid_argument& e) {
      throw CLI::ValidationError(fmt::format("{}: {}", option, e.what()));
    }
  }

  void check() const {
    if (o_.top && (o_.interactive || !o_.cmdline_file.empty()))
      throw CLI::ValidationError(
          "--top: it needs the terminal for itself; leave --interactive and --cmdline-file out");
    if (o_.top && o_.stats_period > 0)
      throw CLI::ValidationError("--top: it shows rates itself; leave --stats-period out");
    if (o_.top && o_.json_on_stdout())
      throw CLI::ValidationError("--top: it draws on standard output; give --json a file");
    if (msg_size_->count() > 0 && msg_mix_->count() > 0)
      throw CLI::ValidationError(
          "--msg-size and --msg-mix both say how large messages are; give one of the two");
    if ((!o_.replay.empty() || o_.speed || o_.repeat || o_.keep_duplicates) &&
        o_.engine != "replay")
      throw CLI::ValidationError(
          fmt::format("{}: {} replays nothing; add --forward-mode=replay or leave it out",
                      !o_.replay.empty() ? "--replay"
                      : o_.speed         ? "--speed"
                      : o_.repeat        ? "--repeat"
                                         : "--keep-duplicates",
                      o_.engine));
    if (o_.interactive && (o_.replay == "-" || o_.replay == "/dev/stdin"))
      throw CLI::ValidationError(
          fmt::format("--replay={}: with --interactive, commands come from standard input; give "
                      "the capture as a file or named pipe, or leave --interactive out",
                      o_.replay));
    if (o_.capture_share && o_.capture.empty())
      throw CLI::ValidationError("--capture-share: nothing is captured; add --capture=FILE");
    if (o_.rate && !find_engine(o_.engine)->makes_messages)
      throw CLI::ValidationError(fmt::format(
          "--rate={}: {} makes no messages of its own; leave it out", *o_.rate, o_.engine));
    if (!o_.mtu.empty() && o_.max_pkt_len && *o_.max_pkt_len != o_.mtu[0] + kFrameOverhead &&
        *o_.max_pkt_len != o_.mtu[0] + kUntaggedOverhead)
      throw CLI::ValidationError(
          fmt::format("--mtu={} and --max-pkt-len={} disagree: that MTU makes frames of {} bytes; "
                      "give one of the two",
                      o_.mtu[0], *o_.max_pkt_len, o_.mtu[0] + kFrameOverhead));
  }

  Options& o_;
  CLI::Option* msg_size_ = nullptr;
  CLI::Option* msg_mix_ = nullptr;
  CLI::App app_;
};

}  // namespace

std::vector<OptionHelp> option_list() {
  Options unused;
  return Parser(unused).list();
}

std::optional<Ended> parse_options(const std::vector<std::string>& args, Options& options) {
  return Parser(options).parse(args);
}

}  // namespace testbab
