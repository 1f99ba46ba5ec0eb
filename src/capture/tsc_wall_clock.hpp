#pragma once

#include <cstdint>
#include <optional>

namespace bab::detail {

/// Turns TSC times into nanoseconds since 1970. DPDK may only estimate the TSC's rate, so the clock
/// is read again and again: a time is off by that error over the time since the last reading, not
/// since the first. One thread.
class TscWallClock {
 public:
  /// Both clocks at one moment.
  struct Reading {
    std::uint64_t tsc;
    std::uint64_t ns;  ///< CLOCK_REALTIME
  };
  /// What is read.
  struct Sources {
    std::uint64_t (*tsc)() noexcept;
    std::uint64_t (*real_ns)() noexcept;  ///< since 1970
    std::uint64_t hz;                     ///< of the TSC
  };
  static Sources machine() noexcept;

  /// Now; nothing when this thread was interrupted between the two each time that it tried, unless
  /// `whatever_it_takes` (a clock may be that slow, too).
  static std::optional<Reading> read(bool whatever_it_takes = false,
                                     const Sources& from = machine()) noexcept;

  /// `hz`: the TSC's rate, not 0.
  TscWallClock(std::uint64_t hz, Reading now) noexcept : hz_(hz), at_(now) {}

  void set(Reading now) noexcept { at_ = now; }

  /// Of any moment, before the last reading or after it.
  [[nodiscard]] std::uint64_t ns(std::uint64_t tsc) const noexcept {
    return tsc >= at_.tsc ? at_.ns + to_ns(tsc - at_.tsc) : at_.ns - to_ns(at_.tsc - tsc);
  }

 private:
  [[nodiscard]] std::uint64_t to_ns(std::uint64_t cycles) const noexcept {
    constexpr unsigned kNsPerS = 1'000'000'000;
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(Wide{cycles} * kNsPerS / hz_);
  }

  std::uint64_t hz_;
  Reading at_;
};

/// Times of events that are known to have come one after another: small errors of a clock don't
/// turn them round.
class RisingTime {
 public:
  /// `ns`, or the last one's if that was later. Where the clock was set back, by a second or more,
  /// it's followed.
  std::uint64_t next(std::uint64_t ns) noexcept {
    constexpr std::uint64_t kSetBack = 1'000'000'000;
    if (ns >= last_ || last_ - ns >= kSetBack) last_ = ns;
    return last_;
  }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace bab::detail
