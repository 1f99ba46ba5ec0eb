#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <bab/wire/frame_parser.hpp>
#include <bab/wire/locate_udp.hpp>
#include <bab/wire/message_range.hpp>

#include "naive_parser.hpp"

namespace bab::test {

/// Whether bab finds a whole UDP header in the frame, in whole datagrams and in others. In an
/// accepted frame it must be the header before `payload`.
inline bool is_located(std::span<const std::uint8_t> frame, const std::uint8_t* payload) {
  for (const auto which : {wire::UdpIn::kWholeDatagrams, wire::UdpIn::kFirstFragments}) {
    wire::Ipv4Place ip;
    const std::uint8_t* udp;
    if (wire::locate_ipv4(frame, ip) != Drop::kNone ||
        wire::locate_udp(ip, which, udp) != Drop::kNone) {
      if (payload != nullptr) return false;
      continue;
    }
    if (udp < frame.data() + wire::kEthernetBytes + wire::kIpv4Bytes ||
        udp + wire::kUdpBytes > frame.data() + frame.size())
      return false;
    if (payload != nullptr && udp + wire::kUdpBytes != payload) return false;
  }
  return true;
}

/// What bab's parser and the naive parser disagree about, or nothing.
inline std::string disagreement(std::span<const std::uint8_t> frame,
                                const wire::ChecksumRules& rules, std::uint16_t udp_port) {
  const NaiveFrame naive = naive_parse(frame, rules.verify_ip, rules.verify_udp, udp_port);
  wire::ParsedFrame parsed{};
  const Drop reason = wire::parse_frame(frame, rules, udp_port, parsed);
  const bool good = reason == Drop::kNone;
  if (!is_located(frame, good ? parsed.blocks.data() - wire::kMoldBytes : nullptr))
    return "another UDP header";
  if (!good) {
    if (naive.faults.contains(reason)) return {};
    std::string seen;
    for (Drop fault : naive.faults) seen += fmt::format(" {}", drop_name(fault));
    return fmt::format("dropped as {}, its faults are:{}", drop_name(reason),
                       seen.empty() ? " none" : seen);
  }
  if (!naive.faults.empty())
    return fmt::format("accepted in spite of {}", drop_name(*naive.faults.begin()));
  const wire::MoldHeader& mold = parsed.mold;
  if (Bytes(mold.session.begin(), mold.session.end()) != naive.session) return "another session";
  if (mold.sequence != naive.sequence) return "another sequence number";
  if (mold.count != naive.count || mold.messages() != naive.messages.size()) return "another count";
  std::vector<Bytes> messages;
  for (const auto message : wire::MessageRange(parsed.blocks))
    messages.emplace_back(message.begin(), message.end());
  return messages == naive.messages ? "" : "other messages";
}

}  // namespace bab::test
