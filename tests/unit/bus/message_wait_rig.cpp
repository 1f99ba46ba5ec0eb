// Puts the wait of Subscription::ready() under the tests of every awaitable (tests/unit/message).
#include <cstdint>
#include <optional>
#include <vector>

#include <rte_mbuf.h>

#include <bab/bus/detail/received.hpp>

#include "../message/awaitable_rigs.hpp"
#include "../message/awaitables.hpp"
#include "made_frame.hpp"

namespace bab::test {
namespace {

/// Frames of one message each arrive. A granted task reads the message.
struct MessageRig : RigTraits {
  detail::MessageWait make() { return detail::MessageWait(received); }
  void block() {}
  void allow() {
    MadeFrame made;
    made.messages = {bytes_of("one")};
    const Bytes bytes = made.bytes();
    rte_mbuf* m = pool.try_acquire();
    ASSERT_NE(m, nullptr);
    auto* at = reinterpret_cast<std::uint8_t*>(
        rte_pktmbuf_append(m, static_cast<std::uint16_t>(bytes.size())));
    std::copy(bytes.begin(), bytes.end(), at);
    received.push({&m, 1});
  }
  bool got(detail::MessageWait&, Outcome outcome) {
    if (outcome != Outcome::kDone || received.frame().left() == 0) return false;
    (void)received.frame().next_bytes();
    return true;
  }
  bool got(detail::MessageWait& w) { return got(w, w.outcome()); }

  FullPool pool{16};
  detail::Received received{{}, std::nullopt, 8, nullptr};
};

}  // namespace

const std::vector<AnyRigParam>& all_awaitables() {
  static const std::vector<AnyRigParam> all{rig_of<MessageRig>("MessageWait")};
  return all;
}

}  // namespace bab::test
