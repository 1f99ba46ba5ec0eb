#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <bab/message/local_writer.hpp>
#include <bab/message/shared_writer.hpp>

#include "flow.hpp"
#include "options.hpp"
#include "payload.hpp"
#include "poller.hpp"
#include "token_bucket.hpp"

namespace testbab {

/// What an engine asks of a FlowWriter, whatever its writer is. After it has finished.
class Flow : public Poller {
 public:
  [[nodiscard]] virtual std::uint64_t generated() const noexcept = 0;
  [[nodiscard]] virtual const bab::WriterStats& stats() const noexcept = 0;

 protected:
  Flow() : Poller(Direction::kTx) {}
};

/// One flow's messages, written into a writer that others may share. `Writer` is a bab::LocalWriter
/// or a bab::SharedWriter's Producer; its frames go to a flusher on some lcore.
template <class Writer>
class FlowWriter final : public Flow {
 public:
  /// `count`: messages, 0 for no end. The other arguments are those of the writer.
  template <class... Args>
  FlowWriter(const Options& options, std::uint64_t flow, std::uint64_t count,
             const TokenBucket& pace, Args&&... args)
      : flow_(flow),
        end_(count == 0 ? std::numeric_limits<std::uint64_t>::max() : count),
        pace_(pace),
        payload_(options.payload),
        sizes_(options.sizes),
        writer_(std::forward<Args>(args)...) {}

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override {
    if (finished()) return 0;
    unsigned work = 0;
    if (phase == Phase::kRun) work += generate(now_tsc);
    if (phase != Phase::kRun || next_ == end_) {
      writer_.flush();
      // Other lcores settle their own reservations in the shared frame within their turns.
      if (writer_.idle()) finish();
    } else {
      work += writer_.poll(now_tsc);
    }
    live_writer.publish(writer_.stats());
    return work;
  }

  [[nodiscard]] std::string_view what() const noexcept override { return "writer"; }

  [[nodiscard]] std::uint64_t generated() const noexcept override { return next_; }
  [[nodiscard]] const bab::WriterStats& stats() const noexcept override { return writer_.stats(); }

 private:
  unsigned generate(std::uint64_t now_tsc) noexcept {
    // As in Generator: enough for a good burst, and small enough to stay in the L2 cache.
    constexpr std::uint32_t kBytesPerTurn = 16 * 1024;
    constexpr std::uint32_t kPerMessage = 16;
    const std::uint64_t due = std::min(pace_.due(now_tsc), end_ - next_);
    unsigned made = 0;
    for (std::uint32_t bytes = 0; bytes < kBytesPerTurn && made < due; ++made) {
      const std::uint32_t len = sizes_.of(next_);
      auto room = writer_.reserve(len);
      if (!room) break;
      payload_.fill(room.data(), len, FlowNumber::make(flow_, next_));
      room.commit();
      ++next_;
      bytes += len + kPerMessage;
    }
    pace_.take(made);
    return made;
  }

  std::uint64_t flow_;
  std::uint64_t end_;
  std::uint64_t next_ = 0;
  TokenBucket pace_;
  Payload payload_;
  MessageSizes sizes_;
  Writer writer_;
};

}  // namespace testbab
