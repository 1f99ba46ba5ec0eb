#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string_view>

namespace bab {

/// How a driver gives up its shares of sent frames.
enum class TxCompletion : std::uint8_t {
  kAtOnce,      ///< in the burst that sends them: it copies them, or passes them on
  kCleanup,     ///< when rte_eth_tx_done_cleanup() asks for it
  kEmptyBurst,  ///< also in a burst of no frames
  kReuse,       ///< when it uses their descriptors again: it keeps up to one frame per descriptor
  kUnknown,     ///< not known of this driver: perhaps kReuse
};

/// Finds out how the driver of port `id` does it, by asking the driver as far as that answers. The
/// port must be started, and no lcore may poll its queues.
TxCompletion find_tx_completion(std::uint16_t id, std::string_view driver);

/// A few words for people, such as "by empty bursts".
std::string_view tx_completion_name(TxCompletion how) noexcept;

}  // namespace bab
