#include <bab/bus/pool_plan.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <rte_mbuf.h>

#include <bab/memory/buffer_meta.hpp>

namespace bab {

PoolPlan plan_pool(const PoolNeeds& needs) {
  static constexpr std::uint64_t kMax = 0xfffffffe;  // that a BufferPool can have
  PoolPlan plan;
  const auto add = [&plan](std::uint64_t buffers, std::string why) {
    const auto n = static_cast<std::uint32_t>(std::min(buffers, kMax - plan.buffers));
    if (n == 0) return;
    plan.buffers += n;
    PoolPlan::Term& term = plan.terms.emplace_back();  // g++ 12 warns of a temporary one at -O3
    term.why = std::move(why);
    term.buffers = n;
  };
  // Bounded, so that no product wraps.
  const auto on_each_lcore = [&needs](std::uint64_t buffers) {
    return std::uint64_t{needs.lcores} * std::min(buffers, kMax);
  };
  add(needs.held, "in drivers' queues");
  add(on_each_lcore(std::uint64_t{needs.cache} * 3 / 2),
      fmt::format("in the caches of {} lcores, 1.5 times {} each", needs.lcores, needs.cache));
  add(on_each_lcore(std::uint64_t{2} * needs.burst),
      fmt::format("in hand: 2 bursts of {} on each of {} lcores", needs.burst, needs.lcores));
  add(std::uint64_t{2} * needs.writers,
      fmt::format("of {} writers: an open frame and a buffer set aside each", needs.writers));
  add(needs.backlog, "received, and waiting to be read");
  add(needs.reading, "taken by readers, and not read yet");
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
  constexpr std::uint64_t kMempools = RTE_CACHE_LINE_SIZE;  // its header of each object
  return sizeof(rte_mbuf) + sizeof(BufferMeta) + kMempools + data_room;
}

}  // namespace bab
