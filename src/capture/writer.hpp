#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "file.hpp"
#include "pace.hpp"
#include "place.hpp"
#include "queue.hpp"
#include "tsc_wall_clock.hpp"

namespace bab::detail {

/// The work of a capture's writing thread.
class CaptureWriter {
 public:
  struct Shared {
    CaptureFile& file;
    std::span<const std::unique_ptr<CaptureQueue>> queues;
    std::atomic<std::uint64_t>& written;
    std::atomic<int>& error;
    bool gives_way;  ///< gives way to lcores
  };
  explicit CaptureWriter(const Shared& shared);

  /// Runs until `stopping`, then writes what is in the rings by then, and each port's counts.
  void run(const std::atomic<bool>& stopping) noexcept;

 private:
  [[nodiscard]] bool write_some() noexcept;
  void write_counts() noexcept;

  [[nodiscard]] bool is_shared() const noexcept { return source_ && source_->shared(); }
  [[nodiscard]] double fill() const noexcept;
  void look() noexcept;
  void account(std::uint64_t waking_ns) noexcept;
  void publish_cost() noexcept;

  Shared s_;
  TscWallClock clock_;
  std::optional<WriterPlace> source_;
  std::uint64_t frames_ = 0, spent_ns_ = 0;  // since the last account()
  std::uint64_t accounted_ = 0;              // TSC
  FrameCost cost_;
};

}  // namespace bab::detail
