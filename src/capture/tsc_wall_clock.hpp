#pragma once

#include <cstdint>
#include <optional>

namespace bab::detail {

/// Converts TSC times to nanoseconds since 1970. DPDK may only estimate the TSC's rate. The clock
/// is therefore read again and again: the estimate's error adds up only since the last reading. One
/// thread.
class TscWallClock {
 public:
  /// Both clocks at the same moment.
  struct Reading {
    std::uint64_t tsc;
    std::uint64_t ns;  ///< CLOCK_REALTIME
  };
  /// The clocks to read.
  struct Sources {
    std::uint64_t (*tsc)() noexcept;
    std::uint64_t (*real_ns)() noexcept;  ///< since 1970
    std::uint64_t hz;                     ///< of the TSC
  };
  static Sources machine() noexcept;

  /// Reads both clocks. Nothing: the thread was interrupted between the two clocks in every try.
  /// `whatever_it_takes` accepts such readings, too, since a clock may be that slow.
  static std::optional<Reading> read(bool whatever_it_takes = false,
                                     const Sources& from = machine()) noexcept;

  /// `hz`: the TSC's rate, not 0.
  TscWallClock(std::uint64_t hz, Reading now) noexcept : hz_(hz), at_(now) {}

  void set(Reading now) noexcept { at_ = now; }

  /// The time for any `tsc`, before the last reading or after it.
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

/// Times of events that came one after the other: small errors of a clock must not reverse their
/// order.
class RisingTime {
 public:
  /// Returns `ns`, or the last result if that was later. Follows a clock that was set back by a
  /// second or more.
  std::uint64_t next(std::uint64_t ns) noexcept {
    constexpr std::uint64_t kSetBack = 1'000'000'000;
    if (ns >= last_ || last_ - ns >= kSetBack) last_ = ns;
    return last_;
  }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace bab::detail
