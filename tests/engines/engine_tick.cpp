// An example of a new engine for apps/testbab. This file has all of its code.
#include <cstring>

#include "more_engines.hpp"
#include "sender.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// Sends --count ticks, one per turn.
class Ticker final : public Sender {
 public:
  Ticker(const Options& options, Wiring& wiring)
      : Sender(options, wiring, 0, 0), end_(options.count) {}

  [[nodiscard]] std::string_view what() const noexcept override { return "ticker"; }

 private:
  unsigned make(std::uint64_t, std::uint32_t) noexcept override {
    if (made_all()) return 0;
    auto room = writer().reserve(4);
    if (!room) return 0;
    std::memcpy(room.data(), "tick", 4);
    room.commit();
    ++made_;
    return 1;
  }
  [[nodiscard]] bool made_all() const noexcept override { return made_ == end_; }
  [[nodiscard]] std::uint64_t made() const noexcept override { return made_; }
  [[nodiscard]] const char* row() const noexcept override { return "messages ticked"; }

  const std::uint64_t end_;
  std::uint64_t made_ = 0;
};

class Tick final : public Job {
 public:
  Tick(const Options& options, Wiring& wiring) : ticker_(options, wiring) { add_stage(ticker_); }

  void sum_up(Summary& summary) const override { ticker_.sum_up(summary); }

 private:
  Ticker ticker_;
};

}  // namespace

constinit const Engine kTickEngine{.name = "tick",
                                   .help = "send ticks",
                                   .loopback_ports = 0,
                                   .makes_messages = false,
                                   .port_use = "a port to tick on",
                                   .most_ports = 1,
                                   .session = "TICK",
                                   .make = make_job<Tick>};

}  // namespace testbab
