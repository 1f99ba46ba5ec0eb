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
  /// Bytes of a receive buffer, headroom included, that the port asks an RxPoolMaker for; 0: what
  /// suits the MTU and the driver. It may be less than a frame if the driver can split frames;
  /// split frames are then copied into one buffer (FramerOptions::copies).
  std::uint16_t rx_data_room = 0;
  ChecksumChoice tx_checksum = ChecksumChoice::kAuto;
  ChecksumChoice rx_checksum = ChecksumChoice::kAuto;
  VlanChoices vlan{};
  /// On by default, as in testpmd; nothing changes for a driver without the mode. If off, only
  /// frames to the port's own address and broadcasts arrive, and on a virtio device no frame with a
  /// VLAN tag.
  bool promiscuous = true;
};

/// Counts since the port was made or its counters were cleared. The figures are the driver's, or
/// the library's where the driver keeps none.
struct PortStats {
  std::uint64_t rx_frames = 0, rx_bytes = 0, tx_frames = 0, tx_bytes = 0;
  std::uint64_t rx_missed = 0, rx_nombuf = 0, rx_errors = 0, tx_errors = 0;
};

/// Accounts for the frames that a port's driver took since the port was started or its counters
/// were cleared.
struct TxAccount {
  std::uint64_t given = 0;  ///< includes frames that had not gone when the account began
  /// By the count of the NIC, or of the driver, without frames that are known not to have gone.
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;  ///< the driver took them, and reports that sending failed
  std::uint64_t unsent = 0;  ///< wait in the NIC's queues; also 0 if driver and NIC don't tell
};

/// One ethdev, configured: queues, MTU and offloads are agreed with the driver and read back. A
/// Port that exists is ready to start; what it can't carry is an Error with the numbers. All calls,
/// except those of the queues, on one thread.
class Port {
 public:
  /// `rx_pool`: the pool to receive into. Its buffers hold a whole frame of this MTU, or less if
  /// the driver can split frames. The pool must outlive the port, or its next reconfigure(). Throws
  /// Error, also when another Port or a driver uses the device.
  Port(const PortOptions& options, BufferPool& rx_pool);
  /// Finds out what receive buffers suit the driver, lets `make` make the pool, and keeps that pool
  /// as long as the driver uses it. For this, a NIC is started for a moment with small pools of the
  /// port's own ("try_…"): only a started driver tells whether it splits frames, and shows how many
  /// buffers it takes. Throws Error; exceptions of `make` pass through.
  Port(const PortOptions& options, const RxPoolMaker& make);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  /// Stops and closes the device, if it still exists: its driver frees the buffers that it holds.
  ~Port();

  /// Starts the device, and waits until its link is up or `give_up`, which is asked ten times a
  /// second, returns true. If the driver's interrupt reports no link for most of
  /// longest_link_wait_s(), the port is started again without the interrupt: see
  /// has_link_interrupt(). Throws Error, and the port is stopped then; reasons include a link that
  /// stays down, and TooFewBuffers. A port that was started before stays as it is.
  void start(const std::function<bool()>& give_up = {});
  /// The first half of start(); start() then waits for the link. For several ports, of which one
  /// may be cabled to another: many NICs have no light on their cable before they are started.
  /// Throws Error, for example TooFewBuffers. A started port stays as it is.
  void begin_start();
  /// Stops the device, after await_sent(). Frames that have not gone by then are lost, and count as
  /// Drop::kTxUnsent. Frames inside a memory port stay there: call drain() first. On net_memif,
  /// after frames were sent, it takes up to half a second longer, for a peer that is behind.
  void stop() noexcept;
  [[nodiscard]] bool started() const noexcept { return started_; }
  /// How often the port was started; a PortWatch uses it.
  [[nodiscard]] unsigned starts() const noexcept { return starts_; }
  /// For a driver that asks for a reset (PortChange::kResetWanted). Stops the port, resets the
  /// device if its driver can, and sets the port up as it was, with the same queues and counters;
  /// start() then starts it. When no lcore polls. Throws Error: the port can only be destroyed
  /// then.
  void reset();
  /// Calls TxQueue::hold() of all TX queues. A PortWatch does so while the link is down.
  void hold(bool held) noexcept;
  /// Whether the driver reports changes of the link by interrupt; else the link is looked at.
  [[nodiscard]] bool has_link_interrupt() const noexcept { return link_interrupt_; }
  /// Seconds that start() waits for a link at most: 9, as testpmd, or 12 with an interrupt, since
  /// an interrupt that fails is found out late.
  [[nodiscard]] unsigned longest_link_wait_s() const noexcept { return link_interrupt_ ? 12 : 9; }
  /// Gives a stopped port another MTU, in bytes of IP packet, and a pool to receive into, which may
  /// be the same. The port gets new queues; references from rx() and tx() are no longer valid.
  /// Throws Error, and the port is then as it was, with MTU, queues and counters. (If the driver
  /// can't be brought back, the Error says so: the port can only be destroyed then.)
  void reconfigure(std::uint32_t mtu, BufferPool& rx_pool);
  /// The same with a pool from `make`, as in the constructor; `make` may return the current pool.
  void reconfigure(std::uint32_t mtu, const RxPoolMaker& make);
  /// Sets whether the port receives frames to all addresses, or only to its own, to the groups that
  /// its driver has, and broadcasts. May be called at any time. Throws Error when the driver can't.
  void set_promiscuous(bool on);
  [[nodiscard]] bool promiscuous() const noexcept;
  /// Statistics and counters of the queues begin at 0 again. When no lcore polls.
  void clear_stats() noexcept;
  /// Frames that the NIC or the driver has missed, found no buffer for, or refused so far no longer
  /// count as drops: the receiver begins now.
  void clear_losses() noexcept;
  /// Frees the frames that can still be received; at most 65,536 per queue, since a peer may go on
  /// sending. Returns how many. When no lcore polls.
  std::uint64_t drain() noexcept;
  /// Asks the driver to free sent mbufs that it still holds. Not every driver can: see
  /// tx_completion(). When no lcore polls.
  void reclaim() noexcept;
  /// Waits until the NIC has sent the frames that the driver took, as far as one of the two tells;
  /// at most one second, and at most 0.1 s without progress. Returns tx_account().unsent. When no
  /// lcore polls.
  std::uint64_t await_sent() noexcept;
  [[nodiscard]] TxAccount tx_account() const noexcept;
  /// How the driver gives sent frames back, as found at the last start.
  [[nodiscard]] TxCompletion tx_completion() const noexcept { return tx_completion_; }

  /// `queue`: below rx_queues() or tx_queues(), else the program ends. A queue's calls are for one
  /// lcore at a time.
  [[nodiscard]] RxQueue& rx(unsigned queue) noexcept { return rx_.at(queue); }
  [[nodiscard]] TxQueue& tx(unsigned queue) noexcept { return tx_.at(queue); }
  [[nodiscard]] unsigned rx_queues() const noexcept { return static_cast<unsigned>(rx_.size()); }
  [[nodiscard]] unsigned tx_queues() const noexcept { return static_cast<unsigned>(tx_.size()); }

  [[nodiscard]] std::uint16_t id() const noexcept { return options_.id; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
  /// Largest IP packet, in bytes: read back from the device, or what the kernel's interface under
  /// it carries.
  [[nodiscard]] std::uint32_t mtu() const noexcept { return mtu_; }
  [[nodiscard]] wire::MacAddress mac() const noexcept;
  [[nodiscard]] const Offloads& offloads() const noexcept { return offloads_; }
  /// The pool that the port receives into, and how the driver uses its buffers: as known after the
  /// last start, or before the first one.
  [[nodiscard]] BufferPool& rx_pool() const noexcept { return *rx_pool_; }
  [[nodiscard]] const RxBuffers& rx_buffers() const noexcept { return rx_buffers_; }
  /// Pools that RxPoolMakers made for the port, and pools of its tries, as long as the driver may
  /// have buffers of them.
  [[nodiscard]] const std::vector<std::shared_ptr<BufferPool>>& made_pools() const noexcept {
    return made_pools_;
  }
  /// Whether the driver may still receive into buffers that are smaller than a frame of the MTU and
  /// come from an earlier pool. net_virtio does, until it has used each of them once.
  [[nodiscard]] bool has_smaller_buffers() const noexcept {
    return smaller_bytes_ < rx_buffers_.frame;
  }
  /// Differences from PortOptions, in a sentence each.
  [[nodiscard]] std::vector<std::string> notes() const;
  [[nodiscard]] std::uint16_t rx_descriptors() const noexcept { return options_.rx_descriptors; }
  [[nodiscard]] std::uint16_t tx_descriptors() const noexcept { return options_.tx_descriptors; }
  /// A snapshot of the counters. If the driver found no buffer since the last call, this also asks
  /// for buffers (BufferPool::announce_need()).
  [[nodiscard]] PortStats stats() const noexcept;
  /// Frames that the NIC counted before the last clear_stats() and that still waited in its queues
  /// then. Pollers take them in addition to the frames of stats().
  [[nodiscard]] std::uint64_t rx_waited() const noexcept { return rx_base_.waited; }
  /// Frames that were lost with the queues when the port was stopped, since the last clear_stats().
  [[nodiscard]] std::uint64_t rx_lost() const noexcept { return rx_base_.lost; }
  [[nodiscard]] DropCounters drops() const noexcept { return drops(stats()); }
  /// The same from figures of an earlier stats().
  [[nodiscard]] DropCounters drops(const PortStats& stats) const noexcept;

  /// Bytes that a buffer needs, headroom included, to hold a frame of `mtu` in one segment: with
  /// the Ethernet header, one 802.1Q tag, and the CRC, since some NICs leave it in the frame.
  static constexpr std::uint32_t data_room(std::uint32_t mtu) noexcept {
    return RTE_PKTMBUF_HEADROOM + mtu +
           static_cast<std::uint32_t>(wire::kEthernetBytes + wire::kVlanBytes + wire::kCrcBytes);
  }

  /// Bytes that a receive buffer of port `id` needs, headroom included: some drivers want more than
  /// a frame does. Throws Error.
  static std::uint32_t rx_data_room(std::uint16_t id, std::uint32_t mtu);

 private:
  static constexpr unsigned kInterruptWaitS = 8;
  enum class Link : std::uint8_t { kUp, kDown, kGivenUp };

  explicit Port(const PortOptions& options);  // checks what the device can do; changes nothing
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
  /// The pool after a start: buffers that are left, and buffers that the driver took, if that can
  /// be told.
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
  detail::PortClaim claim_;  // destroyed after the device is closed
  std::string name_;
  std::string driver_;
  int socket_ = 0;
  std::uint32_t mtu_ = 0;
  Offloads offloads_;
  std::uint64_t rss_ = 0;
  bool started_ = false;
  bool awaits_link_ = false;  // begin_start() was called, start() not yet
  unsigned starts_ = 0;
  bool link_interrupt_ = false;
  bool made_promiscuous_ = false;
  bool touched_ = false;  // the device was configured
  TxCompletion tx_completion_ = TxCompletion::kReuse;
  std::optional<CarrierLimits> carrier_;
  std::vector<std::shared_ptr<BufferPool>> made_pools_;  // pools whose buffers the device may have
  BufferPool* rx_pool_ = nullptr;                        // what the queues receive into
  std::uint32_t taken_at_set_up_ = 0;  // of rx_pool_'s buffers, by the queues' set-up
  RxBuffers rx_buffers_;
  std::optional<std::uint32_t> held_;        // the most that was measured, as in rx_buffers_
  std::optional<std::uint32_t> tried_held_;  // the same in tries only: nobody else uses the pool
  bool has_older_ = false;                   // the driver may have buffers of other pools
  bool tries_ = false;                       // queues may refer to pools of tries
  // The smallest buffer size, without headroom, of earlier pools.
  std::uint32_t smaller_bytes_ = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::string> notes_;
  std::string promiscuous_refusal_;
  mutable detail::DriverCounts counts_;
  mutable std::uint64_t nombuf_seen_ = 0;
  rte_eth_stats cleared_{};  // the driver's figures at the last clear; xstats are not cleared
  // Frames in the queues at cleared_; frames that stops removed from them since; frames that were
  // taken before the driver's count began anew.
  struct {
    std::uint64_t waited, lost, taken;
  } rx_base_{};
  // The driver's figures when the port was stopped, or cleared while stopped. Frames that are
  // counted after that and before the next start are not the port's.
  std::optional<rte_eth_stats> at_stop_{rte_eth_stats{}};
  // Where tx_account() begins: frames that had not gone; frames that the queues had been given; the
  // driver's figures.
  struct {
    std::uint64_t carried, given, sent, errors;
  } tx_base_{};
  std::uint64_t unsent_at_stops_ = 0;  // since the counters were cleared
  std::vector<RxQueue> rx_;
  std::vector<TxQueue> tx_;
};

/// Descriptors of a queue: `asked`; if that is 0, the driver's default `preferred`; if that is 0,
/// too, DPDK's `fallback`. Rounded and bounded to what the device takes. Not
/// rte_eth_dev_adjust_nb_rx_tx_desc, which turns 0 into the device's minimum.
std::uint16_t choose_descriptors(std::uint16_t asked, std::uint16_t preferred,
                                 std::uint16_t fallback, const rte_eth_desc_lim& limits) noexcept;

/// Descriptors that a TX queue of device `id` gets where `asked` are asked for; 0: the driver's
/// default. A queue holds as many buffers at most (PoolNeeds::held). Main thread. Throws Error.
std::uint16_t tx_descriptors(std::uint16_t id, std::uint16_t asked);

/// The files that port `id` writes its frames to (net_pcap's tx_pcap, one per TX queue). Throws
/// Error.
std::vector<std::string> pcap_files(std::uint16_t id);

/// The ids of all ports, except ports that are part of another driver's device. Any thread.
std::vector<std::uint16_t> port_ids();

}  // namespace bab
