#pragma once

#include <sched.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "queue.hpp"

namespace bab::detail {

/// Where a capture's writing thread runs: on CPUs that no worker lcore has, or, where it has no other, on that of the
/// lcore with the most idle time. Of that thread.
class WriterPlace {
 public:
  explicit WriterPlace(std::span<const std::unique_ptr<CaptureQueue>> queues);

  /// It takes lcores' time.
  [[nodiscard]] bool shared() const noexcept { return shared_; }
  /// Moves to another CPU where one has more time to give. To be called now and then.
  void follow() noexcept;

 private:
  std::span<const std::unique_ptr<CaptureQueue>> queues_;
  bool shared_ = false;
  cpu_set_t allowed_{};
  unsigned lcore_;  // whose CPU it's on
  std::uint64_t looked_;
  std::vector<std::uint64_t> idle_;  // of each queue's lcore, when they were last looked at
};

}  // namespace bab::detail
