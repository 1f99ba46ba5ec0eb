#include <bab/bus/pool_plan.hpp>

#include <fmt/format.h>
#include <rte_mbuf.h>

#include <bab/memory/buffer_meta.hpp>

namespace bab {

PoolPlan plan_pool(const PoolNeeds& needs) {
  PoolPlan plan;
  const auto add = [&plan](std::uint32_t buffers, std::string why) {
    if (buffers == 0) return;
    plan.buffers += buffers;
    plan.terms.push_back({std::move(why), buffers});
  };
  add(needs.held, "in drivers' queues");
  add(needs.lcores * (needs.cache * 3 / 2),
      fmt::format("in the caches of {} lcores, 1.5 times {} each", needs.lcores, needs.cache));
  add(needs.lcores * 2 * needs.burst,
      fmt::format("in hand: 2 bursts of {} on each of {} lcores", needs.burst, needs.lcores));
  add(2 * needs.writers,
      fmt::format("of {} writers: an open frame and a buffer set aside each", needs.writers));
  add(needs.backlog, "received, and waiting to be read");
  add(needs.extra, "kept by the application");
  return plan;
}

std::string PoolPlan::text() const {
  std::string all;
  for (const Term& term : terms)
    all += fmt::format("{}{} {}", all.empty() ? "" : ", ", term.buffers, term.why);
  return fmt::format("{} buffers: {}", buffers, all);
}

std::uint64_t buffer_bytes(std::uint32_t data_room) noexcept {
  // The mempool's header and trailer, and what cache lines are filled up with.
  constexpr std::uint64_t kMempools = 128;
  return sizeof(rte_mbuf) + sizeof(BufferMeta) + kMempools + data_room;
}

}  // namespace bab
