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

/// Whether the device can put a frame into several buffers; software that hands over the sender's
/// has no reason to.
bool can_split(const rte_eth_dev_info& device) noexcept;

/// Whether a driver puts each frame of a port's MTU into one receive buffer.
enum class FrameSplit : std::uint8_t {
  kUnknown,   ///< it doesn't tell
  kWhole,     ///< each into one
  kPossible,  ///< it can take several, and may take the buffers for smaller than they are
  kSplit,     ///< a long one goes into several
};

/// "unknown", "whole", "may be split", "split".
std::string_view split_name(FrameSplit split) noexcept;

/// What a driver makes of the buffers that its port receives into.
struct RxBuffers {
  std::uint32_t frame =
      0;  ///< bytes of the longest frame of the MTU: one VLAN tag and the CRC included
  std::uint32_t bytes = 0;         ///< that a buffer holds, without headroom
  std::uint32_t driver_bytes = 0;  ///< that the driver uses of it; 0: it doesn't say
  FrameSplit split = FrameSplit::kUnknown;
  /// Buffers that the driver was seen to hold while the port was started, or tried. None: nobody
  /// knows, since it was neither, or others used its pool at the same time.
  std::optional<std::uint32_t> held{};
};

/// What a port asks of the pool that it receives into.
struct RxPoolNeeds {
  std::uint16_t data_room = 0;  ///< bytes of a buffer, headroom included
  /// Buffers that the driver holds as long as the port is started: measured where that can be
  /// tried, else one for each descriptor. Working buffers and those in lcores' caches come on top.
  std::uint32_t held = 0;
};

/// Makes that pool, which may be larger than asked for, or one that is there already. On the port's
/// thread. Where it throws Error of ENOMEM (as BufferPool does) it is called again, when the memory
/// of tries is free, and for smaller buffers, where there are any that the driver takes: it may
/// have to split frames then.
using RxPoolMaker = std::function<std::shared_ptr<BufferPool>(const RxPoolNeeds&)>;

/// A driver took so many buffers of the pool that receiving would come to a halt.
class TooFewBuffers : public Error {
 public:
  TooFewBuffers(const std::string& sentence, std::uint32_t needed)
      : Error(sentence), needed_(needed) {}
  /// Buffers with which the pool would do, those in lcores' caches not reckoned.
  [[nodiscard]] std::uint32_t needed() const noexcept { return needed_; }

 private:
  std::uint32_t needed_;
};

/// What a driver says of a receive queue.
struct RxQueueWord {
  bool known = false;       ///< it says anything
  bool scattered = false;   ///< it receives by a function that can split frames
  std::uint32_t bytes = 0;  ///< that it uses of a buffer; 0: it doesn't say
};

/// What becomes of frames of `frame` bytes in buffers of `bytes` (headroom not included), by what
/// the driver says. `limit`: the most that the device uses of one; 0: it doesn't say. Drivers that
/// round sizes down do so to a multiple of 128 bytes or of 1 KiB, or to a power of two, and say at
/// most that their function can split.
FrameSplit judge_split(std::uint32_t frame, std::uint32_t bytes, const RxQueueWord& word,
                       std::uint32_t limit = 0) noexcept;

/// Sizes of buffers (headroom included) that are worth trying for frames of `frame` bytes,
/// ascending: the next KiB, one more, and the next power of two, from 2 KiB on; only the limit
/// where that is less than a frame.
std::vector<std::uint16_t> rx_rooms(std::uint32_t frame, std::uint32_t limit = 0);

}  // namespace bab
