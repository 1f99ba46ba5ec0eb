// How a Port finds the receive buffers that suit its driver, and how the driver uses them.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "../detail/dpdk/rx_buffer_limit.hpp"
#include "device_info.hpp"
#include "driver_words.hpp"

namespace bab {
namespace {

/// Free buffers that receiving needs: vector code of drivers refills with 32 or 64 buffers at once,
/// or not at all, and some drivers give a frame only in exchange for another buffer.
constexpr std::uint32_t kAtHand = 64;

RxQueueWord word_of(std::uint16_t id) noexcept {
  rte_eth_rxq_info queue{};
  if (rte_eth_rx_queue_info_get(id, 0, &queue) != 0) return {};
  return {true, queue.scattered_rx != 0, queue.rx_buf_size};
}

std::uint32_t taken(std::uint32_t before, std::uint32_t now) {
  return before - std::min(before, now);
}

}  // namespace

void Port::set_up_with(const RxPoolMaker& make) {
  const rte_eth_dev_info info = detail::device_info(options_.id);
  const std::uint32_t need = rx_data_room(options_.id, options_.mtu);
  if (need > std::numeric_limits<std::uint16_t>::max())
    throw Error(tried(
        fmt::format("it needs buffers of {} bytes, and a buffer has at most 65535; ask for a lower "
                    "MTU or smaller slots",
                    need)));
  std::vector<std::uint16_t> rooms{options_.rx_data_room};
  if (options_.rx_data_room == 0)
    rooms = rx_rooms(need - RTE_PKTMBUF_HEADROOM, detail::rx_buffer_limit(info));
  require_fits(info, rooms.front(), "they have");
  const std::uint32_t estimate =
      options_.rx_queues * choose_descriptors(options_.rx_descriptors,
                                              info.default_rxportconf.ring_size,
                                              RTE_ETH_DEV_FALLBACK_RX_RINGSIZE, info.rx_desc_lim);
  std::vector<RxPoolNeeds> choices;
  if (detail::is_nic(info)) choices = try_rx_rooms(rooms, estimate);
  if (choices.empty()) choices = {{rooms.front(), estimate}};
  std::shared_ptr<BufferPool> pool = make_best(std::move(choices), make);
  require_fits(info, pool->data_room(), fmt::format("pool {} has", pool->name()));
  use_made(std::move(pool), true);
  tries_ = false;
}

/// Sets the queues up with a pool that the port owns from now on.
void Port::use_made(std::shared_ptr<BufferPool> pool, bool splitting_will_do) {
  made_pools_.push_back(std::move(pool));  // also if set_up() fails: queues may refer to it
  set_up(*made_pools_.back(), splitting_will_do);
  forget_pools();
}

/// Drops pools that no queue refers to and whose buffers are all back. net_virtio keeps the buffers
/// in its rings, and receives into them after the next start.
void Port::forget_pools() noexcept {
  std::erase_if(made_pools_, [&](const auto& pool) {
    return pool.get() != rx_pool_ && pool->available() == pool->size();
  });
}

/// The driver receives into another pool from now on, and may keep buffers of `pool`.
void Port::note_older(const BufferPool& pool) noexcept {
  if (pool.available() == pool.size()) return;
  has_older_ = true;
  smaller_bytes_ = std::min<std::uint32_t>(smaller_bytes_, pool.data_room() - RTE_PKTMBUF_HEADROOM);
}

/// Tries buffer sizes with small pools, until the driver tells that it doesn't split frames, or no
/// larger size is left. Returns the sizes that the driver takes, the best one last.
std::vector<RxPoolNeeds> Port::try_rx_rooms(const std::vector<std::uint16_t>& rooms,
                                            std::uint32_t estimate) {
  constexpr std::uint32_t kMaxTried = 65'536;  // buffers
  std::vector<RxPoolNeeds> found;
  std::uint32_t buffers = estimate + 2 * kAtHand;
  // A driver that has buffers of earlier pools takes fewer, for now.
  std::uint32_t least = rx_pool_ == nullptr ? 0 : held_.value_or(estimate);
  for (std::size_t i = 0; i < rooms.size();) {
    std::shared_ptr<BufferPool> pool;
    try {
      pool = try_pool(buffers, rooms[i]);
    } catch (const Error& e) {
      if (e.code() != ENOMEM) throw;
      if (let_go_of_tries()) continue;
      break;  // no memory for more: making the real pool reports that
    }
    AfterStart after;
    const BufferPool& tried_one = *pool;
    tries_ = true;
    try {
      use_made(std::move(pool), i + 1 == rooms.size());
      after = start_and_measure();
    } catch (const Error&) {
      if (tried_one.available() < kAtHand && buffers < kMaxTried) {
        buffers *= 2;
        continue;
      }
      if (++i < rooms.size()) continue;
      if (found.empty()) throw;
      break;
    }
    (void)rte_eth_dev_stop(options_.id);
    least = std::max(least, after.held.value_or(0));
    tried_held_ = std::max(tried_held_.value_or(0), after.held.value_or(0));
    if (found.empty() || found.back().data_room != rooms[i]) found.push_back({rooms[i], least});
    found.back().held = least;
    if (after.left < kAtHand && buffers < kMaxTried) {
      buffers *= 2;  // perhaps it would have taken more
      continue;
    }
    if (rx_buffers_.split == FrameSplit::kWhole || rx_buffers_.split == FrameSplit::kUnknown) break;
    ++i;
  }
  return found;
}

std::shared_ptr<BufferPool> Port::try_pool(std::uint32_t buffers, std::uint16_t room) const {
  // A pool that a driver keeps still uses its name.
  static std::atomic<unsigned> tries{0};
  BufferPoolOptions o;
  o.name = fmt::format("try_{}_{}", options_.id, tries.fetch_add(1));
  o.buffers = buffers;
  o.data_room = room;
  o.cache = 0;
  o.socket = socket_;
  o.receives = true;
  return std::make_shared<BufferPool>(o);
}

/// The best of the sizes that the driver takes for which there is memory.
std::shared_ptr<BufferPool> Port::make_best(std::vector<RxPoolNeeds> choices,
                                            const RxPoolMaker& make) {
  while (true) {
    try {
      return make(choices.back());
    } catch (const Error& e) {
      if (e.code() != ENOMEM) throw;
      if (let_go_of_tries()) continue;
      if (choices.size() == 1) throw;
      choices.pop_back();
    }
  }
}

/// Frees the memory of tries. Queues refer to their pool until they are set up with another one:
/// here with a small one.
bool Port::let_go_of_tries() noexcept {
  if (!std::exchange(tries_, false) || rx_pool_ == nullptr) return false;
  try {
    use_made(try_pool(kAtHand, rx_pool_->data_room()), true);
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

/// Fills in rx_buffers_ when the queues are set up, or the device is started.
void Port::note_rx_buffers(bool is_started) {
  rx_buffers_.frame = data_room(options_.mtu) - RTE_PKTMBUF_HEADROOM;
  rx_buffers_.bytes = rx_pool_->data_room() - RTE_PKTMBUF_HEADROOM;
  const RxQueueWord word = is_started ? word_of(options_.id) : RxQueueWord{};
  rx_buffers_.driver_bytes = word.bytes;
  rx_buffers_.split = judge_split(rx_buffers_.frame, rx_buffers_.bytes, word,
                                  detail::rx_buffer_limit(detail::device_info(options_.id)));
}

/// Starts the device only: queues are not told, and the link is not waited for.
Port::AfterStart Port::start_and_measure() {
  const std::uint32_t before = rx_pool_->available();
  const detail::DriverWords words;
  if (const int e = rte_eth_dev_start(options_.id); e != 0)
    throw Error(detail::refused_sentence(
        tried("starting"), e, words,
        driver_ == "net_memif" ? "start the side with role=server first"
        : e == -ENOMEM
            ? fmt::format("give pool {} more buffers (it has {}), or the port fewer or shorter RX "
                          "queues, or EAL more memory",
                          rx_pool_->name(), rx_pool_->size())
            : ""));
  AfterStart after{rx_pool_->available()};
  // Only if nobody else has buffers of the pool, since those come and go.
  if (before + taken_at_set_up_ == rx_pool_->size()) {
    after.held = taken_at_set_up_ + taken(before, after.left);
    // Some drivers keep buffers over a stop, or when they get another pool, and then take fewer or
    // none.
    if (held_ || !has_older_) held_ = std::max(held_.value_or(0), *after.held);
    rx_buffers_.held = held_;
  }
  note_rx_buffers(true);
  return after;
}

/// Throws TooFewBuffers when too few are left. `left`: buffers of the pool that the driver doesn't
/// hold.
void Port::require_at_hand(std::uint32_t held, std::uint32_t left) const {
  // Virtual devices that take one buffer per descriptor replace them one by one.
  const std::uint32_t at_hand = detail::is_nic(detail::device_info(options_.id)) ? kAtHand : 1;
  if (held == 0 || left >= std::min(at_hand, rx_pool_->size() / 2)) return;
  throw TooFewBuffers(
      tried(fmt::format("starting: its driver holds {} buffers and needs {} more at hand to "
                        "receive, pool {} of {} has {} left for that; give the pool {} buffers or "
                        "more, or the port fewer or shorter RX queues",
                        held, at_hand, rx_pool_->name(), rx_pool_->size(), left, held + at_hand)),
      held + at_hand);
}

}  // namespace bab
