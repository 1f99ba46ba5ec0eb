#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <bab/detail/port_claim.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/port/carrier_limits.hpp>
#include <bab/port/driver_counts.hpp>
#include <bab/port/offloads.hpp>
#include <bab/port/queues.hpp>
#include <bab/port/rx_buffers.hpp>
#include <bab/wire/ethernet.hpp>

namespace bab {

struct PortOptions {
  std::uint16_t id = 0;
  std::uint16_t rx_queues = 1;
  std::uint16_t tx_queues = 1;
  std::uint16_t rx_descriptors = 0;  ///< per queue; 0: the driver's default
  std::uint16_t tx_descriptors = 0;
  std::uint32_t mtu = 1500;  ///< bytes of IP packet
  /// Bytes of a receive buffer, headroom included, that are asked of an RxPoolMaker; 0: what suits
  /// MTU and driver. Fewer than a frame where the driver can split frames, which are copied into
  /// one buffer then (FramerOptions::copies).
  std::uint16_t rx_data_room = 0;
  ChecksumChoice tx_checksum = ChecksumChoice::kAuto;
  ChecksumChoice rx_checksum = ChecksumChoice::kAuto;
  VlanChoices vlan{};
  /// As testpmd; drivers without the mode are left as they are. Without it only frames to the
  /// port's own address and to everybody arrive; of a virtio device none with a VLAN tag.
  bool promiscuous = true;
};

/// What the port did since it was made or its counters were cleared. The driver's figures, or ours
/// where it keeps none.
struct PortStats {
  std::uint64_t rx_frames = 0, rx_bytes = 0, tx_frames = 0, tx_bytes = 0;
  std::uint64_t rx_missed = 0, rx_nombuf = 0, rx_errors = 0, tx_errors = 0;
};

/// What became of the frames that a port's driver took since it was started or its counters were
/// cleared.
struct TxAccount {
  std::uint64_t given = 0;  ///< with those that had not gone when that began
  std::uint64_t sent =
      0;  ///< by the NIC's count, or the driver's, less what is known not to have gone
  std::uint64_t failed = 0;  ///< the driver took them and says that it failed to send them
  std::uint64_t unsent =
      0;  ///< wait in the NIC's queues. 0, too, where neither driver nor NIC tells
};

/// One ethdev: configured, with queues, MTU and offloads agreed with the driver and read back. A
/// Port that exists is ready to start; what it can't carry is an Error with the numbers. All calls
/// but the queues' on one thread.
class Port {
 public:
  /// `rx_pool` receives: its buffers hold a whole frame of this MTU, or fewer bytes where the
  /// driver can split frames. It outlives the port, or its next reconfigure(). Throws Error; so
  /// where another Port, or a driver, has the device.
  Port(const PortOptions& options, BufferPool& rx_pool);
  /// Finds out what receive buffers suit the driver, has `make` make them, and keeps them while it
  /// uses them. A NIC is started for a moment for that, with small pools of the port's own
  /// ("try_…"): only then does a driver say whether it splits frames, and show how many buffers it
  /// takes. Throws Error; what `make` throws passes.
  Port(const PortOptions& options, const RxPoolMaker& make);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  /// Stops and closes the device, where it is there still: its driver frees what it holds.
  ~Port();

  /// Starts the device and waits until its link is up, or `give_up`, asked ten times a second, is
  /// true. Where the driver's interrupt tells of no link for most of longest_link_wait_s(), it is
  /// started again without: has_link_interrupt(). Throws Error, and is stopped then; a link that
  /// stays down is one, TooFewBuffers another. Of a started port nothing changes.
  void start(const std::function<bool()>& give_up = {});
  /// The first half of start(), which then waits: for several ports, of which one may be cabled to
  /// another. Many a NIC has no light on its cable before it is started. Throws Error,
  /// TooFewBuffers being one. Of a started port nothing changes.
  void begin_start();
  /// Stops the device, after await_sent(): what has not gone by then is lost, as Drop::kTxUnsent.
  /// Frames queued inside a memory port stay there: drain() first. After sending on net_memif it
  /// takes half a second longer, for a peer that is behind.
  void stop() noexcept;
  [[nodiscard]] bool started() const noexcept { return started_; }
  /// How often it was started. A PortWatch goes by that.
  [[nodiscard]] unsigned starts() const noexcept { return starts_; }
  /// When its driver asks for a reset (PortChange::kResetWanted) and no lcore polls: stops the
  /// port, resets the device where its driver can, and sets it up as it was, its queues' counters
  /// included; start() starts it. Throws Error: all that is left then is to close the port.
  void reset();
  /// All TX queues: TxQueue::hold(). A PortWatch does so while the link is down.
  void hold(bool held) noexcept;
  /// The driver tells of changes of the link by interrupt; else it is looked at.
  [[nodiscard]] bool has_link_interrupt() const noexcept { return link_interrupt_; }
  /// Seconds that start() waits for a link at most. testpmd's 9; an interrupt that fails is found
  /// out in some more.
  [[nodiscard]] unsigned longest_link_wait_s() const noexcept { return link_interrupt_ ? 12 : 9; }
  /// Gives a stopped port another MTU, and a pool to receive into, which may be the same. Its
  /// queues begin anew, those that rx() and tx() gave are no longer any. Throws Error, and is then
  /// as it was: MTU, queues, their counters. (A driver that can't even be brought back is an Error
  /// that says so: all that is left is to close the port.)
  void reconfigure(std::uint32_t mtu, BufferPool& rx_pool);
  /// The same with a pool that is made to suit, as at first; `make` may give the one it has.
  void reconfigure(std::uint32_t mtu, const RxPoolMaker& make);
  /// From now on it receives frames to all addresses, or only to its own, to groups' as its driver
  /// has them, and to everybody's. At any time. Throws Error where the driver can't.
  void set_promiscuous(bool on);
  [[nodiscard]] bool promiscuous() const noexcept;
  /// Statistics and queue counters begin at 0 again. When no lcore polls.
  void clear_stats() noexcept;
  /// Frames that NIC or driver missed, found no buffer for or refused so far are nobody's loss:
  /// whoever receives begins now.
  void clear_losses() noexcept;
  /// Frees what can still be received, when no lcore polls; at most 65,536 frames a queue, since a
  /// peer may go on sending. Returns frames.
  std::uint64_t drain() noexcept;
  /// Asks the driver to free sent mbufs that it still holds, when no lcore polls; not every driver
  /// can: tx_completion().
  void reclaim() noexcept;
  /// Waits until its NIC has sent what its driver took, as far as one of the two tells: for a
  /// second at most, and 0.1 s where nothing moves. When no lcore polls. Returns
  /// tx_account().unsent.
  std::uint64_t await_sent() noexcept;
  [[nodiscard]] TxAccount tx_account() const noexcept;
  /// How sent frames come back, as found at the last start.
  [[nodiscard]] TxCompletion tx_completion() const noexcept { return tx_completion_; }

  [[nodiscard]] RxQueue& rx(unsigned queue) noexcept { return rx_.at(queue); }
  [[nodiscard]] TxQueue& tx(unsigned queue) noexcept { return tx_.at(queue); }
  [[nodiscard]] unsigned rx_queues() const noexcept { return static_cast<unsigned>(rx_.size()); }
  [[nodiscard]] unsigned tx_queues() const noexcept { return static_cast<unsigned>(tx_.size()); }

  [[nodiscard]] std::uint16_t id() const noexcept { return options_.id; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
  /// Largest IP packet, in bytes: as read back from the device, or what the kernel's interface
  /// under it was found to carry.
  [[nodiscard]] std::uint32_t mtu() const noexcept { return mtu_; }
  [[nodiscard]] wire::MacAddress mac() const noexcept;
  [[nodiscard]] const Offloads& offloads() const noexcept { return offloads_; }
  /// Where it receives into, and what its driver makes of those buffers: what is known of it after
  /// the last start, or before the first one.
  [[nodiscard]] BufferPool& rx_pool() const noexcept { return *rx_pool_; }
  [[nodiscard]] const RxBuffers& rx_buffers() const noexcept { return rx_buffers_; }
  /// Pools that RxPoolMakers made for it, and those of its own tries, as long as its driver may
  /// have buffers of them.
  [[nodiscard]] const std::vector<std::shared_ptr<BufferPool>>& made_pools() const noexcept {
    return made_pools_;
  }
  /// Its driver may receive into smaller buffers than a frame of its MTU needs, which it has from
  /// before: net_virtio does, until each is used once.
  [[nodiscard]] bool has_smaller_buffers() const noexcept {
    return smaller_bytes_ < rx_buffers_.frame;
  }
  /// What it does otherwise than PortOptions asked: a sentence each.
  [[nodiscard]] std::vector<std::string> notes() const;
  [[nodiscard]] std::uint16_t rx_descriptors() const noexcept { return options_.rx_descriptors; }
  [[nodiscard]] std::uint16_t tx_descriptors() const noexcept { return options_.tx_descriptors; }
  /// Also: buffers that the driver found none of since the last look are asked for
  /// (BufferPool::announce_need()).
  [[nodiscard]] PortStats stats() const noexcept;
  /// Frames that the NIC counted before the last clear_stats() and that nobody had taken from its
  /// queues then. Pollers take them beside those that stats() counts.
  [[nodiscard]] std::uint64_t rx_waited() const noexcept { return rx_base_.waited; }
  /// Frames that went with the queues when the port was stopped since then.
  [[nodiscard]] std::uint64_t rx_lost() const noexcept { return rx_base_.lost; }
  [[nodiscard]] DropCounters drops() const noexcept { return drops(stats()); }
  /// The same by figures that stats() gave before.
  [[nodiscard]] DropCounters drops(const PortStats& stats) const noexcept;

  /// Bytes of data a buffer needs, headroom included, to hold a frame of `mtu` in one segment:
  /// Ethernet header and one 802.1Q tag; the CRC, since some NICs leave it.
  static constexpr std::uint32_t data_room(std::uint32_t mtu) noexcept {
    return RTE_PKTMBUF_HEADROOM + mtu +
           static_cast<std::uint32_t>(wire::kEthernetBytes + wire::kVlanBytes + wire::kCrcBytes);
  }

  /// What port `id`'s receive buffers need: some drivers want more than its frames do. Throws
  /// Error.
  static std::uint32_t rx_data_room(std::uint16_t id, std::uint32_t mtu);

 private:
  static constexpr unsigned kInterruptWaitS = 8;
  enum class Link : std::uint8_t { kUp, kDown, kGivenUp };

  explicit Port(const PortOptions& options);  // asks and checks, and leaves the device as it is
  void require_mtu_in_range(const rte_eth_dev_info& info) const;
  void require_fits(const rte_eth_dev_info& info, std::uint32_t room,
                    const std::string& have) const;
  void set_up(BufferPool& rx_pool, bool splitting_will_do = true);
  void set_up_to_receive_into(BufferPool& rx_pool);
  void set_up_with(const RxPoolMaker& make);
  void use_made(std::shared_ptr<BufferPool> pool, bool splitting_will_do);
  void forget_pools() noexcept;
  void note_older(const BufferPool& pool) noexcept;
  std::vector<RxPoolNeeds> try_rx_rooms(const std::vector<std::uint16_t>& rooms,
                                        std::uint32_t estimate);
  std::shared_ptr<BufferPool> make_best(std::vector<RxPoolNeeds> choices, const RxPoolMaker& make);
  [[nodiscard]] std::shared_ptr<BufferPool> try_pool(std::uint32_t buffers,
                                                     std::uint16_t room) const;
  bool let_go_of_tries() noexcept;
  void become_promiscuous();
  void reconfigure_by(std::uint32_t mtu, const std::function<void()>& set_up_anew);
  /// Of the pool after a start: buffers that are left, and those that the driver took, where that
  /// can be told.
  struct AfterStart {
    std::uint32_t left = 0;
    std::optional<std::uint32_t> held{};
  };
  AfterStart start_and_measure();
  void require_at_hand(std::uint32_t held, std::uint32_t left) const;
  void note_rx_buffers(bool is_started);
  void note_stopped() noexcept;
  void exclude_others(const rte_eth_stats& stopped) noexcept;
  [[nodiscard]] std::uint64_t frames_taken() const noexcept;
  [[nodiscard]] std::uint64_t untaken(std::uint64_t ipackets) const noexcept;
  void require_idle(std::uint32_t mtu);
  void configure(bool may_split);
  [[nodiscard]] std::uint32_t read_mtu() const;
  void set_up_again();
  Link await_link(unsigned seconds, const std::function<bool()>& give_up) const;
  void start_device();
  void linger() const noexcept;
  [[nodiscard]] std::uint64_t given() const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> tx_descriptors_not_done() const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> in_virtio_rings() const noexcept;
  void begin_tx_account(std::uint64_t carried) noexcept;
  void set_up_queues(BufferPool& rx_pool);
  [[nodiscard]] std::string label() const;
  [[nodiscard]] std::string tried(const std::string& what) const;

  PortOptions options_;
  detail::PortClaim claim_;  // goes after the device is closed
  std::string name_;
  std::string driver_;
  int socket_ = 0;
  std::uint32_t mtu_ = 0;
  Offloads offloads_;
  std::uint64_t rss_ = 0;
  bool started_ = false;
  bool awaits_link_ = false;  // begin_start() was called, and start() not yet
  unsigned starts_ = 0;
  bool link_interrupt_ = false;
  bool made_promiscuous_ = false;
  bool touched_ = false;  // the device was configured
  TxCompletion tx_completion_ = TxCompletion::kReuse;
  std::optional<CarrierLimits> carrier_;
  std::vector<std::shared_ptr<BufferPool>> made_pools_;  // those whose buffers the device may have
  BufferPool* rx_pool_ = nullptr;                        // what the queues receive into
  std::uint32_t taken_at_set_up_ = 0;                    // of its buffers
  RxBuffers rx_buffers_;
  std::optional<std::uint32_t> held_;        // what rx_buffers_ says: the most that was measured
  std::optional<std::uint32_t> tried_held_;  // the same of tries alone, which nobody disturbs
  bool has_older_ = false;                   // the driver may have buffers of other pools
  bool tries_ = false;                       // there may be pools of tries that the queues refer to
  std::uint32_t smaller_bytes_ =
      std::numeric_limits<std::uint32_t>::max();  // the least of pools before
  std::vector<std::string> notes_;
  std::string promiscuous_refusal_;
  mutable detail::DriverCounts counts_;
  mutable std::uint64_t nombuf_seen_ = 0;
  rte_eth_stats cleared_{};  // the driver's figures then; xstats stay as they are
  // Frames in the queues at cleared_, those that stops took out of them since, and those that were
  // taken before the driver's count began anew.
  struct {
    std::uint64_t waited, lost, taken;
  } rx_base_{};
  // Its figures when the port was stopped, or cleared while it was: what comes on top before it is
  // started is others'.
  std::optional<rte_eth_stats> at_stop_{rte_eth_stats{}};
  // Where tx_account() begins: frames that had not gone, what the queues were given, the driver's
  // figures.
  struct {
    std::uint64_t carried, given, sent, errors;
  } tx_base_{};
  std::uint64_t unsent_at_stops_ = 0;  // since the counters were cleared
  std::vector<RxQueue> rx_;
  std::vector<TxQueue> tx_;
};

/// Descriptors of a queue: `asked`, or where that is 0 the driver's default `preferred`, or where
/// that is 0 too DPDK's `fallback`; rounded and bounded to what the device takes. Not
/// rte_eth_dev_adjust_nb_rx_tx_desc, which makes a 0 the least that the device takes.
std::uint16_t choose_descriptors(std::uint16_t asked, std::uint16_t preferred,
                                 std::uint16_t fallback, const rte_eth_desc_lim& limits) noexcept;

/// Descriptors that a TX queue of device `id` gets where `asked` are asked for; 0: the driver's
/// default. A queue holds as many buffers at most (PoolNeeds::held). Main thread. Throws Error.
std::uint16_t tx_descriptors(std::uint16_t id, std::uint16_t asked);

/// The files that port `id` writes its frames to (net_pcap's tx_pcap, one per TX queue).
std::vector<std::string> capture_files(std::uint16_t id);

/// The ids of all ports there are, but for those that are part of another driver's device.
std::vector<std::uint16_t> port_ids();

}  // namespace bab
