#pragma once

#include <sched.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "queue.hpp"

namespace bab::detail {

/// Where a capture's writing thread runs: on CPUs without a worker lcore, or, if there are none, on
/// the CPU of the lcore with the most idle time. On the writing thread.
class WriterPlace {
 public:
  explicit WriterPlace(std::span<const std::unique_ptr<CaptureQueue>> queues);

  /// Whether the thread runs on an lcore's CPU.
  [[nodiscard]] bool shared() const noexcept { return shared_; }
  /// Moves the thread to CPUs that became free, or to an lcore's CPU with more idle time, and tells
  /// queues how many of them share their lcore. Acts 50 times a second at most; call it more often.
  void look() noexcept;

 private:
  [[nodiscard]] cpu_set_t free_cpus() const noexcept;
  void choose_cpus() noexcept;
  void share_lcores() noexcept;
  void follow(std::uint64_t since) noexcept;
  bool move_to(const cpu_set_t& cpus) noexcept;

  struct Seen {  // of a queue, at the last look
    std::uint64_t idle = 0, wanted = 0;
  };

  std::span<const std::unique_ptr<CaptureQueue>> queues_;
  bool shared_ = false;
  cpu_set_t allowed_{}, here_{};
  unsigned lcore_;  // the lcore whose CPU the thread is on
  std::uint64_t looked_;
  std::vector<Seen> seen_;
};

}  // namespace bab::detail
