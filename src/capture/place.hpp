#pragma once

#include <sched.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "queue.hpp"

namespace bab::detail {

/// Where a capture's writing thread runs: on CPUs that no worker lcore runs on, or, where it has no
/// other, on that of the lcore with the most idle time. Of that thread.
class WriterPlace {
 public:
  explicit WriterPlace(std::span<const std::unique_ptr<CaptureQueue>> queues);

  /// It takes lcores' time.
  [[nodiscard]] bool shared() const noexcept { return shared_; }
  /// Moves to CPUs that became free, or to one with more time to give, and tells queues how many
  /// share their lcore. Does so some times a second; to be called more often.
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
  unsigned lcore_;  // whose CPU it's on
  std::uint64_t looked_;
  std::vector<Seen> seen_;
};

}  // namespace bab::detail
