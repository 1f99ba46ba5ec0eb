#include "receiver.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <bab/wire/ethernet.hpp>
#include <bab/wire/frame_parser.hpp>
#include <bab/wire/locate_udp.hpp>

namespace bab::detail {
namespace {

/// As it lies in a frame: not turned to the host's order for each frame.
template <class T>
T load_as_is(const std::uint8_t* at) noexcept {
  T v;
  std::memcpy(&v, at, sizeof v);
  return v;
}

template <class T>
T in_memory_order(T v) noexcept {
  std::array<std::uint8_t, sizeof v> bytes;
  wire::store_be(bytes.data(), v);
  return load_as_is<T>(bytes.data());
}

constexpr std::uint64_t kStripped = RTE_MBUF_F_RX_VLAN_STRIPPED;

}  // namespace

/// The address of a frame that may yet turn out to be malformed. If a driver split the frame, its
/// first buffer has the headers.
bool Receiver::locate(const rte_mbuf* m, Address& out) noexcept {
  const std::span frame(rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len);
  wire::Ipv4Place ip{};
  const std::uint8_t* udp = nullptr;
  if (wire::locate_ipv4(frame, ip) != Drop::kNone ||
      wire::locate_udp(ip, wire::UdpIn::kFirstFragments, udp) != Drop::kNone)
    return false;
  out.ip = load_as_is<std::uint32_t>(ip.header + wire::Ipv4Offset::kDestination);
  out.port = load_as_is<std::uint16_t>(udp + wire::UdpOffset::kDestination);
  if ((m->ol_flags & kStripped) != 0)
    out.vlan = m->vlan_tci & wire::kVlanIdMask;
  else if (const auto tag = wire::tag_of(frame))
    out.vlan = *tag & wire::kVlanIdMask;
  return true;
}

Receiver::Address Receiver::address_of(const Endpoint& to,
                                       std::optional<std::uint16_t> vlan) noexcept {
  return {in_memory_order(to.ip), in_memory_order(to.port), vlan ? *vlan : kNone};
}

void Receiver::add(const Endpoint& from, std::optional<std::uint16_t> vlan, Received& received) {
  entries_.insert(vlan ? entries_.begin() : entries_.end(), {address_of(from, vlan), &received});
}

bool Receiver::has(const Endpoint& from, std::optional<std::uint16_t> vlan) const noexcept {
  const Address address = address_of(from, vlan);
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& e) { return e.from == address; });
}

Received* Receiver::find(const rte_mbuf* m) const noexcept {
  Address to;
  const auto* const at = rte_pktmbuf_mtod(m, const std::uint8_t*);
  // Nearly all frames have plain headers. For the others, locate() looks at everything.
  if ((m->ol_flags & kStripped) == 0 && wire::has_plain_udp({at, m->data_len})) [[likely]] {
    to.ip = load_as_is<std::uint32_t>(at + wire::kEthernetBytes + wire::Ipv4Offset::kDestination);
    to.port = load_as_is<std::uint16_t>(at + wire::kPlainUdpAt + wire::UdpOffset::kDestination);
  } else if (!locate(m, to)) {
    return nullptr;
  }
  for (const Entry& e : entries_)
    if (e.from.ip == to.ip && e.from.port == to.port &&
        (e.from.vlan == kNone || e.from.vlan == to.vlan))
      return e.received;
  return nullptr;
}

unsigned Receiver::poll(std::uint64_t /*now_tsc*/) noexcept {
  std::array<rte_mbuf*, 32> burst;  // 32 is a usual burst
  unsigned work = 0;
  for (RxQueue* queue : queues_) {
    std::size_t most = burst.size();
    if (entries_.size() == 1) most = std::min<std::size_t>(most, entries_.front().received->room());
    if (most == 0) continue;
    const unsigned n = queue->receive(std::span(burst).first(most));
    hand_out(std::span(burst).first(n));
    work += n;
  }
  return work;
}

/// In runs of neighbours that are for the same one: mostly all are.
void Receiver::hand_out(std::span<rte_mbuf* const> frames) noexcept {
  for (std::size_t begin = 0, end = 0; begin < frames.size(); begin = end) {
    Received* const to = find(frames[begin]);
    end = begin + 1;
    if (to == nullptr) {
      drop(frames[begin]);
      continue;
    }
    while (end < frames.size() && find(frames[end]) == to) ++end;
    to->push(frames.subspan(begin, end - begin));
  }
}

std::uint64_t Receiver::handed_out() const noexcept {
  std::uint64_t n = 0;
  for (const Entry& e : entries_) n += e.received->delivered() + e.received->behind();
  return n;
}

void Receiver::drop(rte_mbuf* m) noexcept {
  wire::ParsedFrame parsed;
  const Drop reason = wire::parse_frame({rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len},
                                        {true, true}, 0, parsed);
  drops_.add(reason == Drop::kNone || m->nb_segs > 1 ? Drop::kOtherPort : reason);
  BufferPool::release(m);
}

}  // namespace bab::detail
