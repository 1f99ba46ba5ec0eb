#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace testbab {

/// Figures of a port that is received on, since the run began.
struct RxSample {
  std::uint16_t port = 0;
  std::uint64_t taken = 0;   ///< frames that pollers took from its queues
  std::uint64_t missed = 0;  ///< frames that its NIC had no descriptor for
  std::uint64_t nombuf = 0;  ///< frames that its driver had no buffer for
  std::string pool;
  std::uint32_t free = 0, buffers = 0;  ///< of the pool that it receives into
};

/// Finds receivers that get nothing though frames come. Without it the end of the run would say "0
/// frames received" and no reason. Main thread.
class StarvationWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPeriod{1};

  /// True once a period. The first period begins with the first call.
  [[nodiscard]] bool due(Clock::time_point now);
  /// To be called once a period. Gives a sentence for each new pair of port and cause.
  [[nodiscard]] std::vector<std::string> look(const std::vector<RxSample>& samples);
  /// All sentences so far.
  [[nodiscard]] const std::vector<std::string>& said() const noexcept { return said_; }

 private:
  struct Seen {
    std::uint64_t taken = 0, missed = 0, nombuf = 0;
    bool said_missed = false, said_nombuf = false;
  };
  Clock::time_point last_{};
  std::map<std::uint16_t, Seen> ports_;
  std::vector<std::string> said_;
};

}  // namespace testbab
