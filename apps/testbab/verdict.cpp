#include "verdict.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace testbab {
namespace {

using bab::Drop;

/// Why a reason makes a run less than good, and what mends it.
struct Reservation {
  Drop reason;
  std::string_view what;
  std::string_view cause;
};

// What arrived and can't be used: it was meant for a receiver like this one, or may have been.
constexpr std::array kUnusable{
    Reservation{Drop::kBadUdpChecksum, "had a wrong UDP checksum",
                "a sender whose NIC was to compute it leaves it wrong in captures and on virtual "
                "interfaces; receive with --rx-checksum=off, or have the sender compute it: "
                "ethtool -K INTERFACE tx off"},
    Reservation{Drop::kBadIpChecksum, "had a wrong IPv4 checksum",
                "a sender whose NIC was to compute it leaves it wrong in captures and on virtual "
                "interfaces; receive with --rx-checksum=off, or have the sender compute it: "
                "ethtool -K INTERFACE tx off"},
    Reservation{Drop::kTruncated, "end before a length in their headers says",
                "a capture cut them off (its snapshot length), or the MTU is too small here; "
                "capture whole frames, or raise --mtu"},
    Reservation{Drop::kMalformed, "hold no whole MoldUDP64 packet",
                "they are of another protocol, or their sender is broken; --rx-udp-port=PORT "
                "receives one port's frames alone"},
    Reservation{Drop::kBadIpHeader, "have an impossible IPv4 header", "their sender is broken"},
    Reservation{Drop::kBadUdpLength, "have an impossible UDP length", "their sender is broken"},
    Reservation{Drop::kIpFragment, "are IP fragments, which bab doesn't reassemble",
                "their sender's messages are longer than its MTU; lower them, or raise that MTU"},
    Reservation{Drop::kMultiSegment, "came split over several buffers and could not be gathered",
                "no buffer was free, or the frame is longer than one; raise --mtu to "
                "the sender's, or --total-num-mbufs"},
    Reservation{Drop::kForeignBuffer, "came in buffers that aren't bab's",
                "a pool of another library's was given to the port"},
    Reservation{Drop::kNoLcore, "came to a thread without an lcore id",
                "register it: rte_thread_register()"},
};

// What was to be sent and wasn't.
constexpr std::array kUnsent{
    Reservation{Drop::kNoBuffer, "found no free buffer", "raise --total-num-mbufs"},
    Reservation{Drop::kTooLong, "are longer than a frame of the port that they go out of",
                "raise --mtu"},
    Reservation{Drop::kTxFull, "found the transmit queue full until the end",
                "its link may be down, or the peer too slow; lower --rate, or raise --txd"},
    Reservation{Drop::kTxRefused, "were refused by the driver", "--tx-checksum=sw may help"},
};

std::uint64_t received_frames(const Summary& s) {
  std::uint64_t n = s.bus.frames_in;
  for (std::size_t i = 1; i < bab::kDrops; ++i)
    if (const auto reason = static_cast<Drop>(i);
        bab::drop_stage(reason) == bab::DropStage::kReceive)
      n += s.drops[reason];
  return n;
}

void reserve_what_arrived(const Summary& s, std::vector<std::string>& all) {
  const std::uint64_t received = received_frames(s);
  for (const Reservation& r : kUnusable)
    if (const std::uint64_t n = s.drops[r.reason]; n > 0)
      all.push_back(fmt::format("{} of {} frames {}: {}", n, received, r.what, r.cause));
  const std::uint64_t others =
      s.drops[Drop::kNotIp] + s.drops[Drop::kNotUdp] + s.drops[Drop::kOtherPort];
  if (others > 0 && others == received)
    all.push_back(fmt::format(
        "none of the {} frames that arrived was for it: {} not IPv4, {} not UDP, {} to another "
        "port than --rx-udp-port",
        received, s.drops[Drop::kNotIp], s.drops[Drop::kNotUdp], s.drops[Drop::kOtherPort]));
}

/// What a replay didn't send, because it is no message here, was one where it was captured.
void reserve_the_capture(const ReplaySummary& replay, std::vector<std::string>& all) {
  for (const Reservation& r : kUnusable)
    if (const std::uint64_t n = replay.drops[r.reason]; n > 0)
      all.push_back(
          fmt::format("{} of {} frames of the capture {}: {}", n, replay.frames, r.what, r.cause));
  if (replay.other_links > 0)
    all.push_back(
        fmt::format("{} of {} frames of the capture are of links that are no Ethernet's, and were "
                    "passed over: capture on the NIC's own interface",
                    replay.other_links, replay.frames));
}

void reserve_the_ports(const Summary& s, std::vector<std::string>& all) {
  for (const PortSummary& port : s.ports) {
    if (!port.receives || port.stats.rx_errors == 0) continue;
    // Each poll of a file that libpcap can't read on counts one.
    if (port.driver == "net_pcap")
      all.push_back(fmt::format(
          "port {} ({}) stopped in the middle of its file: libpcap can't read on; "
          "the file may have been cut short, or is a pcapng of unlike interfaces, which "
          "--forward-mode=replay reads",
          port.id, port.name));
    else
      all.push_back(fmt::format(
          "port {} received {} frames with an error: look at show port xstats {}, its cable and "
          "the MTU of its peer",
          port.id, port.stats.rx_errors, port.id));
  }
  for (const PortSummary& port : s.ports) {
    std::uint64_t doubtful = 0;
    for (const EventSummary& e : s.events) doubtful += e.port == port.id ? e.doubtful_frames : 0;
    if (doubtful > 0)
      all.push_back(
          fmt::format("port {} sent {} frames of which it isn't known whether its link was up: "
                      "they may be lost; look at its cable and its peer",
                      port.id, doubtful));
  }
}

void reserve_streams(const Summary& s, std::vector<std::string>& all) {
  if (s.bus.missing > s.bus.lost)
    all.push_back(
        fmt::format("{} messages are missing ({} gaps): they were lost before they came here, by "
                    "their sender or on the network",
                    s.bus.missing - s.bus.lost, s.bus.gaps));
  if (s.bus.unjudged > 0)
    all.push_back(
        fmt::format("{} messages of sessions beyond the {} that are judged were not looked at: "
                    "receive fewer sessions, or with more RX queues (--rxq)",
                    s.bus.unjudged, s.bus.streams));
}

}  // namespace

std::string_view grade_name(Grade grade) noexcept {
  switch (grade) {
    case Grade::kGood:
      return "good";
    case Grade::kGoodBut:
      return "good_but";
    case Grade::kFault:
      break;
  }
  return "fault";
}

std::string Verdict::text() const {
  if (grade == Grade::kGood) return "  good: every message accounted for, every buffer back\n";
  std::string all = grade == Grade::kFault ? fmt::format("  FAULT: {}\n", fault) : "";
  const char* head = grade == Grade::kFault ? "and" : "good, but";
  for (const std::string& sentence : reservations) all += fmt::format("  {} {}\n", head, sentence);
  return all;
}

int Verdict::exit_code(bool strict) const noexcept {
  if (grade == Grade::kFault) return 1;
  return grade == Grade::kGoodBut && strict ? 3 : 0;
}

Verdict verdict_of(const Summary& s) {
  Verdict v;
  v.fault = s.fault();
  reserve_what_arrived(s, v.reservations);
  if (s.replay) reserve_the_capture(*s.replay, v.reservations);
  reserve_the_ports(s, v.reservations);
  reserve_streams(s, v.reservations);
  for (const Reservation& r : kUnsent)
    if (const std::uint64_t n = s.drops[r.reason]; n > 0)
      v.reservations.push_back(
          fmt::format("{} {} that were to be sent {}: {}", n,
                      bab::drop_unit(r.reason) == bab::DropUnit::kMessage ? "messages" : "frames",
                      r.what, r.cause));
  v.grade = !v.fault.empty()          ? Grade::kFault
            : !v.reservations.empty() ? Grade::kGoodBut
                                      : Grade::kGood;
  return v;
}

}  // namespace testbab
