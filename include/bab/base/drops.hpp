#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <bab/base/counter.hpp>

namespace bab {

/// The reason why a frame was dropped, or a message where `drop_unit` says so. Each dropped frame
/// or message is counted once, under one reason. `kNone`: nothing was dropped; it is never counted.
enum class Drop : std::uint8_t {
  kNone,
  kNotIp,
  kNotUdp,
  kIpFragment,
  kBadIpHeader,
  kBadIpChecksum,
  kBadUdpChecksum,
  kBadUdpLength,
  kTruncated,
  kMalformed,
  kOtherPort,
  kMultiSegment,
  kForeignBuffer,
  kNoLcore,
  kNoBuffer,
  kTooLong,
  kTxFull,
  kTxRefused,
  kTxErrors,
  kTxUnsent,
  kRxMissed,
  kRxNombuf,
  kRxErrors,
  kCount
};

inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::kCount);

enum class DropUnit : std::uint8_t { kFrame, kMessage };

/// The stage at which the frame or message was dropped.
enum class DropStage : std::uint8_t {
  kArrival,  ///< by the NIC or its driver, before any program received it
  kReceive,  ///< by a Framer, after it was received
  kSend,     ///< on the way from a writer to the NIC
};

/// The name used in statistics and JSON, such as "bad_ip_checksum". "unknown": the number is no
/// reason.
std::string_view drop_name(Drop reason) noexcept;

/// One sentence for people: what was seen and why the frame or message was dropped.
std::string_view drop_sentence(Drop reason) noexcept;

/// What the counter of this reason counts: frames or messages.
DropUnit drop_unit(Drop reason) noexcept;

/// The stage at which this reason is counted.
DropStage drop_stage(Drop reason) noexcept;

/// Counters of one lcore, one per reason. Only that lcore adds; any thread may read. A read gives a
/// snapshot.
class DropCounters {
 public:
  void add(Drop reason, std::uint64_t n = 1) noexcept {
    if (index(reason) < kDrops) counts_[index(reason)] += n;
  }
  [[nodiscard]] std::uint64_t operator[](Drop reason) const noexcept {
    return index(reason) < kDrops ? std::uint64_t{counts_[index(reason)]} : 0;
  }

  DropCounters& operator+=(const DropCounters& other) noexcept {
    for (std::size_t i = 0; i < kDrops; ++i) counts_[i] += other.counts_[i];
    return *this;
  }

  /// The sum over all reasons that count `unit`.
  [[nodiscard]] std::uint64_t total(DropUnit unit) const noexcept;

 private:
  static constexpr std::size_t index(Drop reason) noexcept {
    return static_cast<std::size_t>(reason);
  }

  std::array<Counter, kDrops> counts_{};
};

}  // namespace bab
