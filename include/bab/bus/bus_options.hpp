#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <bab/lcore/idle.hpp>
#include <bab/port/offloads.hpp>
#include <bab/wire/ethernet.hpp>

namespace bab {

/// Where in a Bus something runs: the id of a worker lcore, or one of these.
struct RunOn {
  /// On the thread that made the Bus, whenever this thread turns the Bus.
  static constexpr unsigned kHere = 0xffffffff;
  /// On the worker lcore with the fewest pollers so far (plan_placement()). A subscription's reader
  /// counts as one. Bus::placement() says which lcore it is.
  static constexpr unsigned kWorker = 0xfffffffe;
  /// For a flusher: where its writer is. For a port's poller: where the port's first subscription
  /// is read.
  static constexpr unsigned kWithIt = 0xfffffffd;
};

/// Two queues of a port that the host application configured. From now on only the bus uses them:
/// another Bus that names one of them is refused.
struct HostQueues {
  std::uint16_t rx = 0;
  std::uint16_t tx = 0;
};

/// A port of a Bus, and how much its pools must hold at a time.
struct BusPort {
  /// "loopback": a port made of rings, which receives what it sends. Any other name is that of a
  /// device that EAL has: "0000:01:00.0", "net_af_packet0".
  std::string device{};
  /// The longest IP packet, in bytes. 0: 9000 on a loopback, else 1500. Leave it 0 for a host's
  /// port.
  std::uint32_t mtu = 0;
  std::uint16_t rx_queues = 1;       ///< one lcore polls all of them; 1 … 16 on a loopback
  std::uint16_t tx_queues = 1;       ///< each lcore that sends needs one; 1 … 16 on a loopback
  std::uint16_t rx_descriptors = 0;  ///< per queue; 0: the driver's default
  std::uint16_t tx_descriptors = 0;  ///< the same
  ChecksumChoice tx_checksum = ChecksumChoice::kAuto;
  ChecksumChoice rx_checksum = ChecksumChoice::kAuto;
  VlanChoices vlan{};
  bool promiscuous = true;  ///< as PortOptions::promiscuous
  /// Given: the port is the host's. The host configures, starts and stops it, and the bus has these
  /// two queues. Everything above except `device` is the host's choice then; leave it out.
  std::optional<HostQueues> host{};

  /// Most writers on this port, 1 … 4,096. A publication of several lcores has one on each.
  std::uint32_t writers = 8;
  /// Received frames that may wait to be read, in all subscriptions on this port together:
  /// 1 … 1,048,576. At most 1,024 subscriptions share it. Pools have room, too, for the frames that
  /// readers have taken.
  std::uint32_t backlog = 256;
  /// Buffers of each pool for Packets that the application keeps, 0 … 16,777,216.
  std::uint32_t extra_buffers = 0;
};

/// The clock of a Bus that is turned by hand.
enum class BusClock : std::uint8_t {
  /// The CPU's clock. A call that finds nothing to read, or no room, turns the bus by itself.
  kTsc,
  kCaller,  ///< only Bus::turn(now) turns it: virtual time in tests
};

/// What a Bus is made of.
struct BusOptions {
  std::vector<BusPort> ports{};  ///< at least one
  /// EAL arguments, as Eal takes them. Without them the Bus uses the EAL that the process has,
  /// which its host or another Bus started. Where there is none it starts one with
  /// embedded_eal_args(), which needs no root, no hugepages and no NIC.
  std::optional<std::vector<std::string>> eal{};
  /// Worker lcores that the bus may use. Pools have room for the caches of all of them. Empty: all
  /// of EAL's worker lcores; those that another Bus uses are left out.
  std::vector<unsigned> lcores{};
  IdleOptions idle{};         ///< what worker lcores do in turns without work
  std::uint32_t cache = 250;  ///< buffers that an lcore keeps of each pool, 0 … 512
  /// Longest time of a stop in milliseconds, 10 … 600,000. Then ports are stopped, one after the
  /// other: one whose driver still has frames to send may take 1.5 s more (Port::stop()).
  std::uint32_t stop_ms = 1000;
  BusClock clock = BusClock::kTsc;
};

/// What to publish: a session, which is sent to one address.
struct PublishOptions {
  std::uint32_t port = 0;  ///< an index of BusOptions::ports
  /// The session's name: 1 … 10 printable characters of ASCII. Empty: a new name each time, made of
  /// the time of day.
  std::string session{};
  std::string to{};    ///< destination, IPv4 address and UDP port: "239.1.1.1:30001"
  std::string from{};  ///< source, in the same form; empty: 0.0.0.0:0
  /// Ethernet address of the next hop. Needed where `to` is not a multicast group, except on a port
  /// of rings.
  std::optional<wire::MacAddress> to_mac{};
  std::optional<std::uint16_t> vlan{};  ///< 802.1Q VLAN id, 0 … 4094
  std::uint8_t ttl = 64;                ///< 1 … 255
  /// A frame that is not full is sent when it holds this many messages, 1 … 65,534. 0: no such
  /// bound. A flush() always sends it.
  std::uint32_t flush_messages = 0;
  /// A frame that is not full is sent when its first message is this many microseconds old,
  /// 1 … 60,000,000. 0: no such bound.
  std::uint32_t flush_us = 50;
  unsigned lcore = RunOn::kHere;  ///< where messages are written: all calls are made there
  unsigned flusher_lcore = RunOn::kWithIt;  ///< where frames are numbered and sent
  /// None given: a queue that the flusher's lcore has already, or a free one.
  std::optional<std::uint16_t> tx_queue{};
};

/// What to subscribe to: the messages that are sent to one address.
struct SubscribeOptions {
  std::uint32_t port = 0;  ///< an index of BusOptions::ports
  std::string from{};      ///< the address that publishers send to: "239.1.1.1:30001"
  std::string session{};   ///< only messages of this session; empty: of all sessions
  /// Only frames of this 802.1Q VLAN, 0 … 4094. None given: all frames, with a tag or without.
  std::optional<std::uint16_t> vlan{};
  /// Frames that may wait to be read, 1 or more. They are taken from BusPort::backlog.
  std::uint32_t backlog = 64;
  unsigned lcore = RunOn::kHere;  ///< where messages are read: all calls are made there
  /// Where the port is polled. The first subscription of a port decides; the others get their
  /// frames from this lcore.
  unsigned rx_lcore = RunOn::kWithIt;
};

}  // namespace bab
