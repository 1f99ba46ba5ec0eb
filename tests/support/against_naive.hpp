#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

#include <bab/wire/frame_parser.hpp>

#include "naive_parser.hpp"

namespace bab::test {

/// What bab's parser and the naive one disagree about, or nothing.
inline std::string disagreement(std::span<const std::uint8_t> frame,
                                const wire::ChecksumRules& rules, std::uint16_t udp_port) {
  const NaiveFrame naive = naive_parse(frame, rules.verify_ip, rules.verify_udp, udp_port);
  wire::ParsedFrame parsed{};
  const Drop reason = wire::parse_frame(frame, rules, udp_port, parsed);
  if (reason != Drop::kNone) {
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
  const std::uint8_t* at = parsed.blocks.data();
  for (const Bytes& message : naive.messages) {
    const std::size_t len = wire::load_be<std::uint16_t>(at);
    at += wire::kBlockLengthBytes;
    if (Bytes(at, at + len) != message) return "another message";
    at += len;
  }
  return at == parsed.blocks.data() + parsed.blocks.size() ? "" : "bytes behind the last message";
}

}  // namespace bab::test
