// How a stopped Port gets another MTU, or keeps the MTU that it has.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <rte_ethdev.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "device_info.hpp"

namespace bab {

void Port::require_idle(std::uint32_t mtu) {
  const auto refuse = [&](std::string_view why) {
    throw Error(tried(fmt::format("changing its MTU to {} {}", mtu, why)));
  };
  if (started_) refuse("while it is started; stop it before");
  const auto is_tapped = [](auto& queue) { return queue.tap().on(); };
  if (std::any_of(rx_.begin(), rx_.end(), is_tapped) ||
      std::any_of(tx_.begin(), tx_.end(), is_tapped))
    refuse("while a capture runs on it; stop the capture before");
}

void Port::reconfigure(std::uint32_t mtu, BufferPool& rx_pool) {
  reconfigure_by(mtu, [&] {
    require_fits(detail::device_info(options_.id), rx_pool.data_room(),
                 fmt::format("pool {} has", rx_pool.name()));
    set_up(rx_pool);
    forget_pools();
  });
}

void Port::reconfigure(std::uint32_t mtu, const RxPoolMaker& make) {
  reconfigure_by(mtu, [&] {
    require_mtu_in_range(detail::device_info(options_.id));
    set_up_with(make);
  });
}

void Port::reconfigure_by(std::uint32_t mtu, const std::function<void()>& set_up_anew) {
  require_idle(mtu);
  const PortOptions before = options_;
  const std::uint32_t mtu_before = mtu_;
  BufferPool* const pool_before = rx_pool_;
  const std::vector<std::shared_ptr<BufferPool>> pools_before = made_pools_;
  const RxBuffers buffers_before = rx_buffers_;
  const std::uint32_t smaller_before = smaller_bytes_;
  options_.mtu = mtu;
  touched_ = false;
  try {
    set_up_anew();
  } catch (const std::exception& e) {
    options_ = before;
    if (!std::exchange(touched_, true)) throw;
    std::vector<RxQueue> rx = std::move(rx_);
    std::vector<TxQueue> tx = std::move(tx_);
    std::string worse;
    try {
      set_up(*pool_before);
    } catch (const std::exception& again) {
      worse = again.what();
    }
    // The device's queues are new. The queue objects stay, with their counters and references.
    rx_ = std::move(rx);
    tx_ = std::move(tx);
    options_ = before;
    mtu_ = mtu_before;
    rx_pool_ = pool_before;
    rx_buffers_ = buffers_before;
    smaller_bytes_ = smaller_before;
    made_pools_.insert(made_pools_.end(), pools_before.begin(), pools_before.end());
    if (worse.empty()) {
      forget_pools();
      throw;
    }
    throw Error(fmt::format("{}; and going back to MTU {} failed, too ({}): destroy the port",
                            e.what(), before.mtu, worse));
  }
}

}  // namespace bab
