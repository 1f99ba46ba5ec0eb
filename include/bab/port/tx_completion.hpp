#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <string_view>

namespace bab {

/// How a driver gives up its shares of frames that have gone.
enum class TxCompletion : std::uint8_t {
  kAtOnce,      ///< in the burst that sends them: they are copied, or passed on
  kCleanup,     ///< when rte_eth_tx_done_cleanup() asks for it
  kEmptyBurst,  ///< in a burst of no frames, too
  kReuse,  ///< when it uses their descriptors again: up to a queue's descriptors stay with the NIC
  kUnknown,  ///< not known of this driver: perhaps as kReuse
};

/// What port `id`, which is started and whose queues nobody polls, does. By asking it, as far as
/// that goes.
TxCompletion find_tx_completion(std::uint16_t id, std::string_view driver);

/// In a few words for people, such as "by empty bursts".
std::string_view tx_completion_name(TxCompletion how) noexcept;

}  // namespace bab
