#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <rte_devargs.h>
#include <rte_ethdev.h>

namespace bab::test {

/// Makes an existing device (net_null) behave like drivers of NICs. While the object lives, its
/// functions are called in place of DPDK's. There may be only one at a time.
class OddDriver {
 public:
  explicit OddDriver(std::uint16_t port);
  OddDriver(const OddDriver&) = delete;
  OddDriver& operator=(const OddDriver&) = delete;
  ~OddDriver();

  /// How many of a buffer's `bytes` the driver uses. Longer frames are split.
  std::function<std::uint32_t(std::uint32_t bytes)> uses = [](std::uint32_t bytes) {
    return bytes;
  };
  bool is_nic = true;  ///< whether the device is on a bus of NICs
  bool tells = true;   ///< whether rte_eth_rx_queue_info_get() answers
  /// whether its answer also has the bytes that the driver uses of a buffer
  bool tells_bytes = false;
  bool always_scattered = false;  ///< the driver says that it may split frames of any size
  bool offers_scatter = true;
  /// bytes needed in addition to the frame, unless the driver may split
  std::uint32_t wants_more = 0;
  /// rings per queue; each holds one buffer per descriptor of a started queue
  std::uint32_t rings = 0;
  bool keeps_them = false;  ///< the driver keeps these buffers when it is stopped
  std::string refuses;      ///< the reason why queue set-up fails; empty: set-up succeeds
  rte_eth_stats others{};   ///< counts that aren't the port's; added to the device's own
  /// A NIC's register of missed frames, which the driver adds to its count at each reading. The NIC
  /// should clear the register when it is read, but doesn't.
  std::uint64_t register_that_stays = 0;
  bool counts_anew = false;        ///< the count of received frames begins at 0 with each start
  std::string name;                ///< name of the driver; empty: the device's own
  std::string arguments;           ///< arguments of the device; empty: the device's own
  bool tells_of_its_link = false;  ///< the driver has an interrupt for link changes
  std::function<bool()> link;      ///< whether the link is up; called at each look
  std::uint16_t most_tx_descriptors = 0;  ///< 0: the device's own
  rte_eth_desc_lim rx_limits{};           ///< nb_max 0: the device's own
  int info_error = 0;         ///< if not 0, rte_eth_dev_info_get() fails with this errno value
  int promiscuous_error = 0;  ///< if not 0, setting promiscuous mode fails with this errno value
  /// has a promiscuous mode, although the device under it has none
  bool has_promiscuous_mode = false;
  bool wants_full_rings = false;  ///< a start fails without a buffer for each descriptor

  [[nodiscard]] unsigned starts() const noexcept { return starts_; }
  [[nodiscard]] bool may_split() const noexcept { return may_split_; }
  /// Whether the driver was configured to raise an interrupt when its link changes.
  [[nodiscard]] bool link_interrupt() const noexcept { return link_interrupt_; }

  // Called in place of DPDK's functions of these names.
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
