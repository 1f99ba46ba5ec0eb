#include "checker.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace testbab {

Checker::Stream* Checker::find(const bab::wire::MoldHeader& header) noexcept {
  if (stream_ != nullptr && session_ == header.session) [[likely]]
    return stream_;
  session_ = header.session;
  const auto [stream, is_new] = streams_.get(header.session);
  if (!is_new) return stream;
  const std::string_view name(reinterpret_cast<const char*>(header.session.data()),
                              header.session.size());
  const bool ours = strict_ || name.starts_with("TESTBAB");
  // A Generator's stream begins at 1, and a receiver that must see all of it begins there. Others
  // may join late.
  const std::uint64_t next = strict_ ? bab::wire::kMoldFirstSequence : header.sequence;
  *stream = {.ours = ours, .judged = ours, .named = ours, .next = next};
  stream->missing = MissingNumbers({&gap_memory_[(streams_.size() - 1) * kMaxGaps], kMaxGaps});
  return stream;
}

void Checker::begin(const bab::wire::MoldHeader& header) noexcept {
  stream_ = find(header);
  sequence_ = header.sequence;
  if (stream_ == nullptr) return;
  Stream& s = *stream_;
  const std::uint64_t end = header.sequence + header.messages();
  if (header.sequence == s.next) [[likely]] {
    s.next = end;
    s.again.next = 0;
  } else if (header.sequence > s.next) {
    ++gaps_;
    s.missing.add(s.next, header.sequence);
    s.next = end;
    s.again.next = 0;
  } else {
    take_old(s, header.sequence, end);
  }
}

/// Older than the newest: messages that were missing fill a gap; the others are duplicates, or of a
/// sender that began again. A copy of its first frame alone doesn't show that it did.
void Checker::take_old(Stream& s, std::uint64_t sequence, std::uint64_t end) noexcept {
  if (s.again.next == sequence && end > sequence && sequence != 0) {
    ++restarts_;
    begin_again(s, end);
    return;
  }
  const bool first = sequence == bab::wire::kMoldFirstSequence && end < s.next && !strict_;
  if (first)
    s.again = {.next = end};
  else if (end > sequence)
    s.again.next = 0;
  if (end <= sequence) return;
  ++s.out_of_order;
  const std::uint64_t old = std::min(end, s.next) - sequence;
  const std::uint64_t filled = s.missing.fill(sequence, end);
  s.duplicates += old - filled;
  s.next = std::max(s.next, end);
  if (first) {
    s.again.filled = filled;
    s.again.duplicates = old - filled;
    s.again.out_of_order = 1;
  }
}

/// The first frame was no duplicate and filled no gap.
void Checker::begin_again(Stream& s, std::uint64_t end) noexcept {
  s.missing.settle(s.again.filled);
  s.duplicates -= s.again.duplicates;
  s.out_of_order -= s.again.out_of_order;
  s.again.next = 0;
  s.next = end;
}

/// A message of ours whose payload isn't that of its number. In a stream that only looks like ours
/// it may have been relayed: it then carries the payload of its first number.
void Checker::judge(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t number = 0;
  if (!stream_->named && bytes.size() >= sizeof number) {
    std::memcpy(&number, bytes.data(), sizeof number);
    if (payload_.matches(bytes, number)) return;
  }
  ++corrupt_;
}

void Checker::recognise(std::span<const std::uint8_t> bytes) noexcept {
  if (stream_->judged || bytes.size() < sizeof(std::uint64_t)) return;
  stream_->judged = true;
  stream_->ours = payload_.matches(bytes, sequence_);
}

std::uint64_t Checker::missing_of_ours() const noexcept {
  std::uint64_t sum = 0;
  for (const Stream& s : streams_)
    if (s.ours) sum += s.missing.count();
  return sum;
}

std::uint64_t Checker::reached() const noexcept {
  std::uint64_t sum = 0;
  for (const Stream& s : streams_) sum += s.next - bab::wire::kMoldFirstSequence;
  return sum;
}

void Checker::sum_up(BusTotals& bus, bool port_lost) const {
  bus.streams += streams_.size();
  bus.unjudged += unjudged_;
  bus.corrupt += corrupt_;
  bus.gaps += gaps_;
  bus.restarts += restarts_;
  for (const Stream& s : streams_) {
    bus.missing += s.missing.count();
    bus.out_of_order += s.out_of_order;
    bus.duplicates += s.duplicates;
    if (s.ours || port_lost) bus.lost += s.missing.count();
    if (s.ours) bus.disordered += s.out_of_order;
  }
}

}  // namespace testbab
