#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <rte_devargs.h>
#include <rte_ethdev.h>

namespace bab::test {

/// Makes an existing device (net_null) behave as drivers of NICs do. As long as the object lives,
/// its functions stand between the library and DPDK. Only one at a time.
class OddDriver {
 public:
  explicit OddDriver(std::uint16_t port);
  OddDriver(const OddDriver&) = delete;
  OddDriver& operator=(const OddDriver&) = delete;
  ~OddDriver();

  /// How many of a buffer's `bytes` it uses. Longer frames are split.
  std::function<std::uint32_t(std::uint32_t bytes)> uses = [](std::uint32_t bytes) {
    return bytes;
  };
  bool is_nic = true;             ///< on a bus of NICs
  bool tells = true;              ///< rte_eth_rx_queue_info_get() answers
  bool tells_bytes = false;       ///< it also tells how many bytes of a buffer it uses
  bool always_scattered = false;  ///< it says that it may split frames, for any size
  bool offers_scatter = true;
  std::uint32_t wants_more = 0;  ///< bytes beside the frame, unless it may split
  std::uint32_t rings = 0;       ///< each holds a buffer for each descriptor of a started queue
  bool keeps_them = false;       ///< it keeps these buffers over a stop
  std::string refuses;           ///< the reason why it sets up no queue; empty: it does
  rte_eth_stats others{};        ///< what it counts that isn't the port's
  /// Missed frames in the NIC's register, which it adds to its count each time that somebody reads:
  /// it should be cleared then.
  std::uint64_t register_that_stays = 0;
  bool counts_anew = false;               ///< received frames, from 0 with each start
  std::string name;                       ///< of the driver; empty: its own
  std::string arguments;                  ///< of the device; empty: its own
  bool tells_of_its_link = false;         ///< it has an interrupt for link changes
  std::function<bool()> link;             ///< up? Each time that somebody looks
  std::uint16_t most_tx_descriptors = 0;  ///< 0: its own
  rte_eth_desc_lim rx_limits{};           ///< nb_max 0: the device's own
  int info_error = 0;                     ///< rte_eth_dev_info_get() fails with this errno value
  int promiscuous_error = 0;              ///< promiscuous mode fails with this errno value
  bool has_promiscuous_mode = false;      ///< although the device under it has none
  bool wants_full_rings = false;          ///< else it starts with the buffers that there are

  [[nodiscard]] unsigned starts() const noexcept { return starts_; }
  [[nodiscard]] bool may_split() const noexcept { return may_split_; }
  /// It was configured to raise an interrupt when its link changes.
  [[nodiscard]] bool link_interrupt() const noexcept { return link_interrupt_; }

  // DPDK's functions, under DPDK's names.
  int dev_info(rte_eth_dev_info& info, int result) const;
  rte_eth_conf configured(const rte_eth_conf& conf);
  int queue_setup(std::uint16_t queue, std::uint16_t descriptors, rte_mempool& pool) const;
  void queue_is_set_up(std::uint16_t queue, std::uint16_t descriptors, rte_mempool& pool);
  int queue_info(rte_eth_rxq_info& info) const;
  int start();
  void started();
  [[nodiscard]] bool answers_for_promiscuous_mode() const noexcept {
    return promiscuous_error != 0 || has_promiscuous_mode;
  }
  [[nodiscard]] bool promiscuous() const noexcept { return promiscuous_; }
  int set_promiscuous();
  void stopped();
  void closed();
  void stats(rte_eth_stats& stats) const;
  const rte_devargs* device_arguments();

 private:
  struct Queue {
    rte_mempool* pool = nullptr;
    std::uint32_t descriptors = 0;
    std::vector<rte_mbuf*> held;
  };
  void fill();
  [[nodiscard]] std::uint32_t frame() const;
  [[nodiscard]] std::uint32_t used(rte_mempool& pool) const;

  std::uint16_t port_;
  bool may_split_ = false;
  bool link_interrupt_ = false;
  bool promiscuous_ = false;
  unsigned starts_ = 0;
  std::vector<Queue> queues_;
  mutable std::uint64_t added_ = 0;
  mutable std::uint64_t received_ = 0;
  std::uint64_t received_before_ = 0;
  rte_devargs device_arguments_{};
};

}  // namespace bab::test
