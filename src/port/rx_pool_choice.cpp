// What a Port does to find the receive buffers that suit its driver, and to see what the driver makes of them.
#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "device_info.hpp"
#include "driver_words.hpp"
#include "rx_buffer_limit.hpp"

namespace bab {
namespace {

/// Buffers that must be at hand for receiving to go on: vector paths of drivers take 32 or 64 for their descriptors, or
/// none, and some give a frame only in exchange for another buffer.
constexpr std::uint32_t kAtHand = 64;

RxQueueWord word_of(std::uint16_t id) noexcept {
  rte_eth_rxq_info queue{};
  if (rte_eth_rx_queue_info_get(id, 0, &queue) != 0) return {};
  return {true, queue.scattered_rx != 0, queue.rx_buf_size};
}

std::uint32_t taken(std::uint32_t before, std::uint32_t now) {
  return before - std::min(before, now);
}

/// A NIC's driver has its own idea of sizes; what is made of software has none, and its start may be seen: a file is
/// read, a peer connects.
bool is_nic(const rte_eth_dev_info& info) {
  return info.device != nullptr &&
         std::string_view(rte_bus_name(rte_dev_bus(info.device))) != "vdev";
}

}  // namespace

void Port::set_up_with(const RxPoolMaker& make) {
  const rte_eth_dev_info info = detail::device_info(options_.id);
  const std::uint32_t need = rx_data_room(options_.id, options_.mtu);
  if (need > std::numeric_limits<std::uint16_t>::max())
    throw Error(tried(
        fmt::format("it needs buffers of {} bytes, and one has at most 65535; ask for a lower MTU "
                    "or smaller slots",
                    need)));
  std::vector<std::uint16_t> rooms{options_.rx_data_room};
  if (options_.rx_data_room == 0)
    rooms = rx_rooms(need - RTE_PKTMBUF_HEADROOM, detail::rx_buffer_limit(info));
  require_fits(info, rooms.front(), "they have");
  RxPoolNeeds needs;
  needs.data_room = rooms.front();
  needs.held = options_.rx_queues *
               choose_descriptors(options_.rx_descriptors, info.default_rxportconf.ring_size,
                                  RTE_ETH_DEV_FALLBACK_RX_RINGSIZE, info.rx_desc_lim);
  if (is_nic(info)) find_rx_room(rooms, needs);
  std::shared_ptr<BufferPool> pool = make(needs);
  require_fits(info, pool->data_room(), fmt::format("pool {} has", pool->name()));
  use_made(std::move(pool), true);
  rx_buffers_.held = std::max(needs.held, rx_buffers_.held);
}

/// Sets up with a pool of its own.
void Port::use_made(std::shared_ptr<BufferPool> pool, bool splitting_will_do) {
  made_pools_.push_back(std::move(pool));  // also when it fails: some queues may refer to it
  set_up(*made_pools_.back(), splitting_will_do);
  forget_pools();
}

/// Of those that no queue refers to any more, all whose buffers are back: net_virtio keeps those that are in its rings, and
/// receives into them after the next start.
void Port::forget_pools() noexcept {
  std::erase_if(made_pools_, [&](const auto& pool) {
    return pool.get() != rx_pool_ && pool->available() == pool->size();
  });
}

/// Tries sizes with small pools, until the driver says that it doesn't split frames or no larger one is left.
void Port::find_rx_room(const std::vector<std::uint16_t>& rooms, RxPoolNeeds& needs) {
  constexpr std::uint32_t kMostTried = 65'536;  // buffers
  std::uint32_t buffers = needs.held + 2 * kAtHand;
  const std::uint32_t estimate = needs.held;
  bool found = false;
  for (std::size_t i = 0, names = 0; i < rooms.size();) {
    BufferPoolOptions o;
    o.name = fmt::format("try_{}_{}", options_.id, names++);
    o.buffers = buffers;
    o.data_room = rooms[i];
    o.cache = 0;
    o.socket = socket_;
    o.receives = true;
    std::shared_ptr<BufferPool> pool;
    try {
      pool = std::make_shared<BufferPool>(o);
    } catch (const Error&) {
      return;  // no memory for more than what is there: whoever makes the real one says so
    }
    std::uint32_t left = 0;
    const BufferPool& tried_one = *pool;
    try {
      use_made(std::move(pool), i + 1 == rooms.size());
      left = start_and_measure();
    } catch (const Error&) {
      if (tried_one.available() < kAtHand && buffers < kMostTried) {
        buffers *= 2;
        continue;
      }
      if (++i < rooms.size()) continue;
      if (!found) throw;
      return;
    }
    (void)rte_eth_dev_stop(options_.id);
    found = true;
    needs.data_room = rooms[i];
    // A driver that has earlier pools' buffers still takes fewer, for now.
    needs.held = made_pools_.size() > 1 ? std::max(estimate, rx_buffers_.held) : rx_buffers_.held;
    if (left < kAtHand && buffers < kMostTried) {
      buffers *= 2;  // it would perhaps have taken more
      continue;
    }
    if (rx_buffers_.split == FrameSplit::kWhole || rx_buffers_.split == FrameSplit::kUnknown)
      return;
    ++i;
  }
}

/// What `rx_buffers_` says once the queues are set up, or the device is started.
void Port::note_rx_buffers(bool is_started) {
  rx_buffers_.frame = data_room(options_.mtu) - RTE_PKTMBUF_HEADROOM;
  rx_buffers_.bytes = rx_pool_->data_room() - RTE_PKTMBUF_HEADROOM;
  const RxQueueWord word = is_started ? word_of(options_.id) : RxQueueWord{};
  rx_buffers_.driver_bytes = word.bytes;
  rx_buffers_.split = judge_split(rx_buffers_.frame, rx_buffers_.bytes, word,
                                  detail::rx_buffer_limit(detail::device_info(options_.id)));
}

/// The device alone: nobody is told, and its link is not waited for. Returns how many buffers are left in its pool.
std::uint32_t Port::start_and_measure() {
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
  const std::uint32_t left = rx_pool_->available();
  // Some keep them over a stop, and take none then.
  rx_buffers_.held = std::max(rx_buffers_.held, taken_at_set_up_ + taken(before, left));
  note_rx_buffers(true);
  return left;
}

/// `left`: buffers of the pool that the driver doesn't hold.
void Port::require_at_hand(std::uint32_t left) const {
  const std::uint32_t held = rx_buffers_.held;
  if (held == 0 || left >= std::min(kAtHand, rx_pool_->size() / 2)) return;
  throw TooFewBuffers(
      tried(fmt::format("starting: its driver holds {} buffers and needs {} more at hand to "
                        "receive, pool {} of {} has {} left for that; give it {} buffers or more, "
                        "or the port fewer or shorter RX queues",
                        held, kAtHand, rx_pool_->name(), rx_pool_->size(), left, held + kAtHand)),
      held + kAtHand);
}

/// What the driver counted before this start, `stopped` being its figures then, isn't ours: some don't reset what an
/// earlier process missed. Where its counters begin at 0 with a start, what was cleared before is no longer in them.
void Port::exclude_others(const rte_eth_stats& stopped) noexcept {
  rte_eth_stats now{};
  if (!at_stop_ || rte_eth_stats_get(options_.id, &now) != 0) return;
  const auto exclude = [&](auto fields, const rte_eth_stats& until) {
    for (const auto field : fields) {
      if (now.*field < stopped.*field || now.*field < cleared_.*field)
        cleared_.*field = 0;
      else
        cleared_.*field += until.*field - std::min(until.*field, *at_stop_.*field);
    }
  };
  exclude(std::array{&rte_eth_stats::ipackets, &rte_eth_stats::ibytes, &rte_eth_stats::opackets,
                     &rte_eth_stats::obytes},
          stopped);
  // No descriptor was there yet: nobody could have done better.
  exclude(std::array{&rte_eth_stats::imissed, &rte_eth_stats::rx_nombuf, &rte_eth_stats::ierrors,
                     &rte_eth_stats::oerrors},
          now);
}

void Port::clear_losses() noexcept {
  rte_eth_stats now{};
  if (rte_eth_stats_get(options_.id, &now) != 0) return;
  cleared_.imissed = now.imissed;
  cleared_.rx_nombuf = now.rx_nombuf;
  cleared_.ierrors = now.ierrors;
}

}  // namespace bab
