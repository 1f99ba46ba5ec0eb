#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <span>
#include <vector>

#include <bab/detail/tsc_wall_clock.hpp>

#include "file.hpp"
#include "queue.hpp"

namespace bab::detail {

/// What a capture's writing thread does.
class CaptureWriter {
 public:
  struct Shared {
    CaptureFile& file;
    std::span<const std::unique_ptr<CaptureQueue>> queues;
    std::atomic<std::uint64_t>& written;
    std::atomic<int>& error;
  };
  explicit CaptureWriter(const Shared& shared);

  /// Until `stopping`: what is in the rings by then is written, then each port's counts.
  void run(const std::atomic<bool>& stopping) noexcept;

 private:
  [[nodiscard]] bool write_some() noexcept;
  void write_counts() noexcept;

  Shared s_;
  TscWallClock clock_;
};

/// Keeps this thread from the lcores' CPUs, or, where it has no other, from taking much of their time.
void give_way_to_lcores() noexcept;

}  // namespace bab::detail
