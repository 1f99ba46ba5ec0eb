#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <rte_memcpy.h>

#include <bab/base/error.hpp>

#include "captured_messages.hpp"
#include "engine_table.hpp"
#include "sender.hpp"
#include "tsc_clock.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

void require_capture(const Options& options) {
  if (options.replay.empty())
    throw bab::Error(
        "replay sends the messages of a capture, and none is named; give --replay=FILE, a capture "
        "with MoldUDP64 messages");
}

/// Sends a capture's messages at the pace at which they were captured, or at another one, once or
/// several times. A message that couldn't go in time goes as soon as it can; those behind it keep
/// their times.
class Replayer final : public Sender {
 public:
  Replayer(const Options& options, Wiring& wiring, const CapturedMessages& messages)
      : Sender(options, wiring, 0, 0),
        messages_(messages),
        tsc_per_ns_(tsc_per_ns(options.speed.value_or(1))),
        end_(last(options, messages)) {
    if (messages.longest() > writer().max_message())
      throw bab::Error(fmt::format("--replay={}: {}; raise --mtu", options.replay,
                                   writer().too_long_text(messages.longest())));
  }

 private:
  static double tsc_per_ns(double speed) { return speed > 0 ? tsc_hz() / 1e9 / speed : 0; }
  static std::uint64_t last(const Options& options, const CapturedMessages& messages) {
    constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t rounds = options.repeat.value_or(1);
    const std::uint64_t end =
        rounds == 0 || rounds > kNoEnd / messages.size() ? kNoEnd : rounds * messages.size();
    return options.count > 0 ? std::min(end, options.count) : end;
  }

  unsigned make(std::uint64_t now_tsc, std::uint32_t frames) noexcept override {
    if (made_ == 0 && at_ == 0) started_ = now_tsc;
    const std::uint64_t most = made_ + std::min(end_ - made_, messages_of(frames));
    const std::uint32_t most_bytes = bytes_of(frames);
    unsigned made = 0;
    for (std::uint32_t bytes = 0; bytes < most_bytes && made_ < most; ++made) {
      if (at_ == messages_.size()) {
        at_ = 0;  // a round begins when the last message of the round before has gone
        started_ = now_tsc;
      }
      if (now_tsc - started_ < due(at_)) break;
      const auto message = messages_.bytes(at_);
      auto room = writer().reserve(static_cast<std::uint32_t>(message.size()));
      if (!room) break;
      rte_memcpy(room.data(), message.data(), message.size());
      room.commit();
      ++at_;
      ++made_;
      bytes += static_cast<std::uint32_t>(message.size()) + kPerMessage;
    }
    return made;
  }

  /// TSC ticks since the round's beginning.
  [[nodiscard]] std::uint64_t due(std::size_t i) const noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(messages_.time_ns(i)) * tsc_per_ns_);
  }

  [[nodiscard]] bool made_all() const noexcept override { return made_ == end_; }
  [[nodiscard]] std::uint64_t made() const noexcept override { return made_; }
  [[nodiscard]] const char* row() const noexcept override { return "messages replayed"; }

  const CapturedMessages& messages_;
  const double tsc_per_ns_;  // 0: as fast as they go
  const std::uint64_t end_;
  std::uint64_t made_ = 0;
  std::size_t at_ = 0;
  std::uint64_t started_ = 0;
};

class Replay final : public Job {
 public:
  Replay(const Options& options, Wiring& wiring)
      : messages_(read(options, wiring)), replayer_(options, wiring, messages_) {
    add_stage(replayer_);
  }

  void sum_up(Summary& summary) const override {
    replayer_.sum_up(summary);
    const std::uint64_t frames = messages_.frames() + messages_.other_links();
    summary.replay = {.messages = messages_.size(),
                      .duplicates = messages_.duplicates(),
                      .frames = frames,
                      .drops = messages_.others(),
                      .other_links = messages_.other_links()};
    auto& row = summary.ledger.row("frames of the capture", frames);
    row.out = {{"with messages", messages_.frames_with_messages()},
               {"without", messages_.empty_frames()},
               {"with duplicates only", messages_.duplicate_frames()},
               {"no Ethernet frames", messages_.other_links()}};
    for (std::size_t i = 1; i < bab::kDrops; ++i) {
      const auto reason = static_cast<bab::Drop>(i);
      row.out.emplace_back(bab::drop_name(reason), messages_.others()[reason]);
    }
  }

 private:
  static CapturedMessages read(const Options& options, const Wiring& wiring) {
    require_capture(options);
    return {options.replay, options.rx_udp_port, options.keep_duplicates, wiring.signals()};
  }

  CapturedMessages messages_;
  Replayer replayer_;
};

}  // namespace

constinit const Engine kReplayEngine{
    .name = "replay",
    .help = "send the messages of a capture at their pace, at another, or as fast as they go",
    .loopback_ports = 0,
    .makes_messages = false,
    .port_use = "a port to send on",
    .most_ports = 1,
    .session = "BABREPLAY",
    .make = make_job<Replay>,
    .require = require_capture};

}  // namespace testbab
