#include <bab/base/drops.hpp>

namespace bab {
namespace {

struct Entry {
  Drop reason;
  DropUnit unit;
  DropStage stage;
  std::string_view name;
  std::string_view sentence;
};

constexpr auto kFrame = DropUnit::kFrame;
constexpr auto kMessage = DropUnit::kMessage;
constexpr auto kArrival = DropStage::kArrival;
constexpr auto kReceive = DropStage::kReceive;
constexpr auto kSend = DropStage::kSend;

constexpr std::array<Entry, kDrops> kTable{{
    {Drop::kNone, kFrame, kReceive, "none", "Nothing was dropped."},
    {Drop::kNotIp, kFrame, kReceive, "not_ip",
     "The frame does not carry IPv4 (under at most one 802.1Q tag)."},
    {Drop::kNotUdp, kFrame, kReceive, "not_udp", "The packet's IP protocol is not UDP."},
    {Drop::kIpFragment, kFrame, kReceive, "ip_fragment",
     "The packet is an IP fragment; bab never sends or reassembles fragments."},
    {Drop::kBadIpHeader, kFrame, kReceive, "bad_ip_header",
     "The IPv4 header's version, header length or total length is impossible."},
    {Drop::kBadIpChecksum, kFrame, kReceive, "bad_ip_checksum",
     "The IPv4 header checksum is wrong."},
    {Drop::kBadUdpChecksum, kFrame, kReceive, "bad_udp_checksum",
     "The UDP checksum is present (not 0) and wrong."},
    {Drop::kBadUdpLength, kFrame, kReceive, "bad_udp_length",
     "The UDP length is shorter than its header or disagrees with the IP length."},
    {Drop::kTruncated, kFrame, kReceive, "truncated",
     "The frame is shorter than a length in its headers says."},
    {Drop::kMalformed, kFrame, kReceive, "malformed",
     "The UDP payload is not a whole MoldUDP64 packet: its blocks don't end exactly at its end."},
    {Drop::kOtherPort, kFrame, kReceive, "other_port",
     "The UDP destination port is not the one asked for."},
    {Drop::kMultiSegment, kFrame, kReceive, "multi_segment",
     "The frame came in several buffers and could not be copied into one: none was free, or the "
     "frame "
     "is longer than one."},
    {Drop::kForeignBuffer, kFrame, kReceive, "foreign_buffer",
     "The mbuf's pool is not one of bab's, and the mbuf has no room for handle counts."},
    {Drop::kNoLcore, kFrame, kReceive, "no_lcore",
     "The calling thread has no lcore id; rte_thread_register() gives it one."},
    {Drop::kNoBuffer, kMessage, kSend, "no_buffer",
     "No buffer was free and the policy was not to wait."},
    {Drop::kTooLong, kMessage, kSend, "too_long",
     "The message is longer than a frame of the outgoing port can hold."},
    {Drop::kTxFull, kFrame, kSend, "tx_full",
     "The transmit queue stayed full until the end of the run (perhaps its link was down), or the "
     "policy was not to wait."},
    {Drop::kTxRefused, kFrame, kSend, "tx_refused", "The driver's tx_prepare refused the frame."},
    {Drop::kTxErrors, kFrame, kSend, "tx_errors",
     "The driver took the frame and failed to send it."},
    {Drop::kTxUnsent, kFrame, kSend, "tx_unsent",
     "The frame still waited in the NIC's transmit queue when the port was stopped."},
    {Drop::kRxMissed, kFrame, kArrival, "rx_missed", "The NIC had no free receive descriptor."},
    {Drop::kRxNombuf, kFrame, kArrival, "rx_nombuf",
     "The driver found no free mbuf to receive into."},
    {Drop::kRxErrors, kFrame, kArrival, "rx_errors", "The NIC received the frame with an error."},
}};

constexpr bool table_is_in_order() {
  for (std::size_t i = 0; i < kDrops; ++i)
    if (static_cast<std::size_t>(kTable[i].reason) != i) return false;
  return true;
}
static_assert(table_is_in_order());

/// For a number that is no reason here. A newer library may have more reasons.
constexpr Entry kUnknown{Drop::kCount, kFrame, kReceive, "unknown", "There is no such reason."};

const Entry& entry(Drop reason) noexcept {
  const auto i = static_cast<std::size_t>(reason);
  return i < kDrops ? kTable[i] : kUnknown;
}

}  // namespace

std::string_view drop_name(Drop reason) noexcept { return entry(reason).name; }
std::string_view drop_sentence(Drop reason) noexcept { return entry(reason).sentence; }
DropUnit drop_unit(Drop reason) noexcept { return entry(reason).unit; }
DropStage drop_stage(Drop reason) noexcept { return entry(reason).stage; }

std::uint64_t DropCounters::total(DropUnit unit) const noexcept {
  std::uint64_t sum = 0;
  for (const Entry& e : kTable)
    if (e.unit == unit && e.reason != Drop::kNone) sum += (*this)[e.reason];
  return sum;
}

}  // namespace bab
