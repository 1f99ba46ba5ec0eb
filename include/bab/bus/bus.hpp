#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <bab/base/drops.hpp>
#include <bab/base/ledger.hpp>
#include <bab/bus/bus_options.hpp>
#include <bab/bus/endpoint.hpp>
#include <bab/bus/placement.hpp>
#include <bab/bus/pool_plan.hpp>
#include <bab/bus/publication.hpp>
#include <bab/bus/subscription.hpp>
#include <bab/detail/headers.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/port/port.hpp>

namespace bab {

/// How a stop went.
struct StopReport {
  /// Stages that ended by their deadline and not by themselves, and other losses: a sentence each.
  /// Empty: all is well.
  std::vector<std::string> notes;
  std::uint64_t dropped_messages = 0;  ///< numbered and not sent, of all publications
  std::uint64_t unread_frames = 0;     ///< received, and not or not wholly read before the end
  /// What became of each port's received frames, each subscription's and each session's messages.
  Ledger ledger;
  struct Pool {
    std::string name;
    std::uint32_t buffers;
    /// Buffers that are not free again. Those that a host's port holds to send are among them.
    std::uint32_t missing;
  };
  std::vector<Pool> pools;

  /// Every buffer is back.
  [[nodiscard]] bool is_full() const noexcept {
    for (const Pool& pool : pools)
      if (pool.missing > 0) return false;
    return true;
  }
};

/// A bus: EAL, ports, pools, lcores, queues and what runs on them. It is checked as a whole before
/// anything of it is made, and taken down in the right order when it goes. Its parts are those that
/// can be built by hand, and a message costs what it costs there.
///
///     bab::Bus bus({.ports = {{.device = "loopback"}}});
///     auto out = bus.publish({.session = "HELLO", .to = "239.1.1.1:30001"});
///     auto in = bus.subscribe({.from = "239.1.1.1:30001"});
///     out.send("hello");
///     while (auto got = in.next()) std::printf("%.*s\n", int(got.size()), got.data());
///
/// What is RunOn::kHere runs on the thread that made the bus when that thread turns it: by turn(),
/// or by calls that find nothing to read or no room. What is on worker lcores runs from start() to
/// stop(): tasks that spawn() was given, beside the pollers that the bus places there.
///
/// Each loop polls in this order: what it writes and sends, then the ports whose subscriptions it
/// has.
///
/// All calls on the thread that made it, which is an lcore: EAL's main one, or one that registered.
/// Several in a process are independent of each other, but for EAL: it ends with the last of them,
/// where none of the host's own was adopted, and can't be started again.
class Bus {
 public:
  /// Starts or adopts EAL, makes pools and ports, starts the ports and waits for their links.
  /// Throws Error, and nothing is left behind but EAL. `headers`: what the caller was compiled
  /// with, to be left as it is; not the library's: Error.
  explicit Bus(const BusOptions& options, const detail::Headers& headers = detail::kHeaders);
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  /// stop(), where that wasn't called. Packets that the application kept may go later.
  ~Bus();

  /// A session to an address. Not while worker lcores run, except where it is all RunOn::kHere.
  /// Throws Error.
  Publication publish(const PublishOptions& options);
  /// The same for several lcores: an end for each of `lcores`, in that order, whose messages share
  /// frames. `lcore` of the options isn't looked at, and RunOn::kWithIt is the first one.
  std::vector<SharedPublication> publish(const PublishOptions& options,
                                         std::span<const unsigned> lcores);
  /// An address's messages. Not while worker lcores run, except where it is all RunOn::kHere.
  /// Throws Error.
  Subscription subscribe(const SubscribeOptions& options);

  /// Starts `make()`, which gives a Task<void>, on the publication's lcore, as Lcore::spawn() does.
  /// Not while worker lcores run, except RunOn::kHere. At a stop these tasks are asked to end
  /// (their waits are cancelled) before anything else is; what they then flush() is sent.
  template <class Writer, class Make>
  void spawn(const BasicPublication<Writer>& out, Make make) {
    writers_of(out.lcore()).spawn(std::move(make));
  }
  /// The same on the subscription's lcore. These tasks are asked to end last, when nothing more
  /// comes.
  template <class Make>
  void spawn(const Subscription& in, Make make) {
    lcore(in.lcore()).spawn(std::move(make));
  }

  /// The loop of a worker lcore of this bus, or of RunOn::kHere: for pollers and tasks of the
  /// program's own, which end as those of subscriptions do. Before start(), or there. Throws Error:
  /// the bus has nothing on that lcore.
  Lcore& lcore(unsigned id);

  /// Starts the worker lcores that something was placed on. Throws Error: one of them is busy.
  void start();
  /// One turn of what is RunOn::kHere, at the caller's time in TSC ticks. Returns work done.
  /// Whoever pauses calls BufferPool::empty_caches() before, as with Lcore::turn().
  unsigned turn(std::uint64_t now_tsc);
  /// Turns until `done()`, by the CPU's clock.
  template <class Done>
  void run_until(Done done) {
    while (!done()) turn_now();
  }

  /// Asks for a stop, which turn() then goes on with. After that nothing should be written.
  void begin_stop() noexcept;
  [[nodiscard]] bool stopping() const noexcept;
  [[nodiscard]] bool stopped() const noexcept;
  /// Stops in stages: tasks of publications end; what was written is sent; what is on its way is
  /// received and read; the other tasks end; worker lcores end; ports stop; and then all buffers
  /// should be back. Each stage has a part of BusOptions::stop_ms, whatever still comes from the
  /// wire; what a stage doesn't finish is dropped, counted and told. A task that doesn't end when
  /// its waits are cancelled is left where it is. Throws what a task threw. Afterwards all that a
  /// publication or subscription may be asked for is its stats().
  const StopReport& stop();
  /// How it went; empty before it is stopped().
  [[nodiscard]] const StopReport& report() const noexcept;

  /// What runs where, and why.
  [[nodiscard]] Placement placement() const;
  /// How port `i`'s pools came to their sizes: what it sends from, and what it receives into or
  /// copies to.
  [[nodiscard]] PoolPlan tx_plan(std::size_t i) const;
  [[nodiscard]] PoolPlan rx_plan(std::size_t i) const;
  /// Bytes of IP packet that port `i` carries.
  [[nodiscard]] std::uint32_t mtu(std::size_t i) const;
  /// Port `i`, for its statistics, notes() and a PortWatch. Throws Error: it is the host's.
  [[nodiscard]] Port& port(std::size_t i);
  /// Frames that port `i` received for no subscription, by reason; those of ours for another
  /// address are `other_port`.
  [[nodiscard]] DropCounters drops(std::size_t i) const;
  /// What messages on port `i` are written into.
  [[nodiscard]] BufferPool& tx_pool(std::size_t i);

  /// What it is made of; the library's own.
  class Impl;

 private:
  Lcore& writers_of(unsigned lcore);
  void turn_now();

  std::unique_ptr<Impl> impl_;
};

}  // namespace bab
