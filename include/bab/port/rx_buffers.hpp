#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <bab/base/error.hpp>

struct rte_eth_dev_info;

namespace bab {

class BufferPool;

/// Whether the device can split a frame over several buffers. False for memory ports: they pass on
/// the sender's buffers, and have no reason to split.
bool can_split(const rte_eth_dev_info& device) noexcept;

/// Whether a driver puts each frame of a port's MTU into one receive buffer.
enum class FrameSplit : std::uint8_t {
  kUnknown,   ///< the driver doesn't tell
  kWhole,     ///< each frame into one buffer
  kPossible,  ///< it can split, and may use less of a buffer than its size
  kSplit,     ///< long frames go into several buffers
};

/// "unknown", "whole", "may be split", "split".
std::string_view split_name(FrameSplit split) noexcept;

/// How a driver uses the buffers that its port receives into.
struct RxBuffers {
  std::uint32_t frame = 0;  ///< bytes of the MTU's longest frame, with one VLAN tag and the CRC
  std::uint32_t bytes = 0;  ///< bytes that a buffer holds, without headroom
  std::uint32_t driver_bytes = 0;  ///< bytes of a buffer that the driver uses; 0: it doesn't tell
  FrameSplit split = FrameSplit::kUnknown;
  /// The most buffers that the driver was seen to hold while the port was started, or in tries.
  /// None: not known, because the port was not started or tried, or because others used its pool at
  /// the same time.
  std::optional<std::uint32_t> held{};
};

/// The needs of a port for the pool that it receives into.
struct RxPoolNeeds {
  std::uint16_t data_room = 0;  ///< bytes of a buffer, headroom included
  /// Buffers that the driver holds while the port is started: measured if it can be tried, else one
  /// per descriptor. Buffers that are in use elsewhere, or in lcores' caches, come on top.
  std::uint32_t held = 0;
};

/// Makes this pool; it may return a larger one than asked for, or an existing one. On the port's
/// thread. When it throws an Error with code ENOMEM (as BufferPool does), it is called again: first
/// when the memory of tries is free, then for the smaller buffers that the driver takes, if there
/// are any. The driver may have to split frames then.
using RxPoolMaker = std::function<std::shared_ptr<BufferPool>(const RxPoolNeeds&)>;

/// A driver took so many buffers of the pool that too few are left to receive.
class TooFewBuffers : public Error {
 public:
  TooFewBuffers(const std::string& sentence, std::uint32_t needed)
      : Error(sentence), needed_(needed) {}
  /// Buffers that the pool should have, without those in lcores' caches.
  [[nodiscard]] std::uint32_t needed() const noexcept { return needed_; }

 private:
  std::uint32_t needed_;
};

/// A driver's report on a receive queue.
struct RxQueueWord {
  bool known = false;       ///< it tells something
  bool scattered = false;   ///< its receive function can split frames
  std::uint32_t bytes = 0;  ///< bytes of a buffer that it uses; 0: it doesn't tell
};

/// Judges by what the driver tells whether frames of `frame` bytes are split in buffers of `bytes`
/// (without headroom). `limit`: the most bytes that the device uses of a buffer; 0: not known. Some
/// drivers round buffer sizes down to a multiple of 128 bytes or of 1 KiB, or to a power of two,
/// and tell at most that their receive function can split.
FrameSplit judge_split(std::uint32_t frame, std::uint32_t bytes, const RxQueueWord& word,
                       std::uint32_t limit = 0) noexcept;

/// Buffer sizes (headroom included) to try for frames of `frame` bytes, ascending: the next KiB,
/// one KiB more, and the next power of two, from 2 KiB on. Only `limit` (without headroom) if it is
/// less than a frame.
std::vector<std::uint16_t> rx_rooms(std::uint32_t frame, std::uint32_t limit = 0);

}  // namespace bab
