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
  /// On the thread that made the Bus, whenever that thread turns it.
  static constexpr unsigned kHere = 0xffffffff;
  /// On the worker lcore with the fewest pollers so far. Bus::placement() says which one it is.
  static constexpr unsigned kWorker = 0xfffffffe;
  /// Of a flusher: where its writer is; of a port's poller: where its first subscription is read.
  static constexpr unsigned kWithIt = 0xfffffffd;
};

/// Queues of a port that the host application configured, which are the bus's from now on.
struct HostQueues {
  std::uint16_t rx = 0;
  std::uint16_t tx = 0;
};

/// A port of a Bus, and what its pools must hold at a time.
struct BusPort {
  /// "loopback": a port made of rings, which receives what it sends. Else the name of a device that
  /// EAL has: "0000:01:00.0", "net_af_packet0".
  std::string device{};
  /// Bytes of IP packet; 0: 9000 on a loopback, else 1500; a host's port: what it has.
  std::uint32_t mtu = 0;
  std::uint16_t rx_queues = 1;       ///< all of them are polled by one lcore
  std::uint16_t tx_queues = 1;       ///< one for each lcore that sends
  std::uint16_t rx_descriptors = 0;  ///< per queue; 0: the driver's default
  std::uint16_t tx_descriptors = 0;
  ChecksumChoice tx_checksum = ChecksumChoice::kAuto;
  ChecksumChoice rx_checksum = ChecksumChoice::kAuto;
  VlanChoices vlan{};
  bool promiscuous = true;  ///< as PortOptions::promiscuous
  /// The port is the host's: it configures, starts and stops it, and gives the bus these two
  /// queues. What stands above, but for `device`, is the host's as well, and is left as it is here.
  std::optional<HostQueues> host{};

  /// Writers that publish here at most; a publication of several lcores has one for each.
  std::uint32_t writers = 8;
  std::uint32_t backlog = 256;  ///< received frames that wait to be read, of all subscriptions here
  std::uint32_t extra_buffers = 0;  ///< in each pool: for Packets that the application keeps
};

/// What moves a Bus's time on, where it is turned by hand.
enum class BusClock : std::uint8_t {
  /// The CPU's clock; a call that finds nothing to read, or no room, turns the bus by itself.
  kTsc,
  kCaller,  ///< Bus::turn(now) alone: virtual time in tests
};

struct BusOptions {
  std::vector<BusPort> ports{};
  /// EAL arguments, as Eal takes them. None: the EAL that this process has, its host's or another
  /// Bus's; else embedded_eal_args(), which need no root, no hugepages and no NIC.
  std::optional<std::vector<std::string>> eal{};
  /// Worker lcores that the bus may use; pools have room for the caches of all of them. Empty:
  /// those of EAL's that no other Bus has then.
  std::vector<unsigned> lcores{};
  IdleOptions idle{};            ///< what worker lcores do in turns without work
  std::uint32_t cache = 250;     ///< buffers that an lcore keeps of a pool, 0 … 512
  std::uint32_t stop_ms = 1000;  ///< milliseconds that a stop takes at most, 10 … 600,000
  BusClock clock = BusClock::kTsc;
};

/// A session that is sent to one address.
struct PublishOptions {
  std::uint32_t port = 0;  ///< an index of BusOptions::ports
  /// 1 … 10 characters of ASCII. Empty: a new name for each start, made of the time.
  std::string session{};
  std::string to{};    ///< "239.1.1.1:30001": IPv4 address and UDP port
  std::string from{};  ///< the same of the source; empty: 0.0.0.0:0
  /// Where `to` is no group: the next hop's Ethernet address. On a port of rings it may be left
  /// out.
  std::optional<wire::MacAddress> to_mac{};
  std::optional<std::uint16_t> vlan{};  ///< 802.1Q VLAN id, 0 … 4094
  std::uint8_t ttl = 64;
  /// A frame goes when it is full, and before that when it holds so many messages (0: no such
  /// bound) …
  std::uint32_t flush_messages = 0;
  /// … or when its first message is so old, in microseconds; 0: no such bound. flush() always sends
  /// it.
  std::uint32_t flush_us = 50;
  unsigned lcore = RunOn::kHere;            ///< where it is written: all calls there
  unsigned flusher_lcore = RunOn::kWithIt;  ///< where its frames are numbered and sent
  /// None: one that the flusher's lcore has already, or that nobody has.
  std::optional<std::uint16_t> tx_queue{};
};

/// What is received for one address.
struct SubscribeOptions {
  std::uint32_t port = 0;               ///< an index of BusOptions::ports
  std::string from{};                   ///< the address that publishers send to: "239.1.1.1:30001"
  std::string session{};                ///< this one alone; empty: all
  std::optional<std::uint16_t> vlan{};  ///< frames of this VLAN alone; none: of any, or of none
  std::uint32_t backlog = 64;     ///< frames that wait to be read at most; of the port's backlog
  unsigned lcore = RunOn::kHere;  ///< where it is read: all calls there
  /// Where the port is polled, for its first subscription; the others get their frames from there.
  unsigned rx_lcore = RunOn::kWithIt;
};

}  // namespace bab
