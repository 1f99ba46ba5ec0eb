#include "receiver.hpp"

#include <algorithm>
#include <array>

#include <bab/wire/ethernet.hpp>
#include <bab/wire/frame_parser.hpp>
#include <bab/wire/locate_udp.hpp>

namespace bab::detail {
namespace {

using wire::load_be;

/// What tells subscriptions apart: of a frame that may yet turn out to be malformed.
struct Address {
  Endpoint to;
  std::optional<std::uint16_t> vlan;
};

/// Of a frame that a driver split, the first buffer has the headers.
std::optional<Address> address_of(const rte_mbuf* m) noexcept {
  const std::span frame(rte_pktmbuf_mtod(m, const std::uint8_t*), m->data_len);
  wire::Ipv4Place ip{};
  const std::uint8_t* udp = nullptr;
  if (wire::locate_ipv4(frame, ip) != Drop::kNone ||
      wire::locate_udp(ip, wire::UdpIn::kFirstFragments, udp) != Drop::kNone)
    return std::nullopt;
  Address address;
  address.to = {load_be<std::uint32_t>(ip.header + wire::Ipv4Offset::kDestination),
                load_be<std::uint16_t>(udp + wire::UdpOffset::kDestination)};
  const std::optional<std::uint16_t> tag = (m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0
                                               ? std::optional<std::uint16_t>(m->vlan_tci)
                                               : wire::tag_of(frame);
  if (tag) address.vlan = static_cast<std::uint16_t>(*tag & wire::kVlanIdMask);
  return address;
}

}  // namespace

void Receiver::add(const Endpoint& from, std::optional<std::uint16_t> vlan, Received& received) {
  entries_.insert(vlan ? entries_.begin() : entries_.end(), {from, vlan, &received});
}

bool Receiver::has(const Endpoint& from, std::optional<std::uint16_t> vlan) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& e) { return e.from == from && e.vlan == vlan; });
}

Received* Receiver::find(const rte_mbuf* m) const noexcept {
  const std::optional<Address> address = address_of(m);
  if (!address) return nullptr;
  for (const Entry& e : entries_)
    if (e.from == address->to && (!e.vlan || e.vlan == address->vlan)) return e.received;
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
