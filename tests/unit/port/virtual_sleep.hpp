#pragma once

#include <cstdint>
#include <functional>

namespace bab::test {

/// While the object lives, rte_delay_us_sleep() doesn't sleep. The object sums up the times. There
/// may be only one at a time.
class VirtualSleep {
 public:
  explicit VirtualSleep(std::function<void()> each = [] {});
  VirtualSleep(const VirtualSleep&) = delete;
  VirtualSleep& operator=(const VirtualSleep&) = delete;
  ~VirtualSleep();

  [[nodiscard]] double seconds() const noexcept { return static_cast<double>(us_) / 1e6; }
  void sleep(unsigned us);

 private:
  std::function<void()> each_;
  std::uint64_t us_ = 0;
};

}  // namespace bab::test
