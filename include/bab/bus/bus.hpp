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
  /// A sentence for each stage that ran into its time limit, and for each other loss. Empty: all is
  /// well.
  std::vector<std::string> notes;
  /// Messages of all publications that have a sequence number and were not sent.
  std::uint64_t dropped_messages = 0;
  /// Frames that were received, and were not read to their end.
  std::uint64_t unread_frames = 0;
  /// What became of the frames that each port received, of each subscription's frames and of the
  /// frames that each session wrote. Empty where a worker lcore did not end.
  Ledger ledger;
  struct Pool {
    std::string name;
    std::uint32_t buffers;
    /// Buffers that are not free again. Buffers that a host's port still holds to send are counted
    /// here, too.
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

/// A bus: EAL, ports, pools, lcores, queues and what runs on them. The options are checked as a
/// whole before anything is made. The destructor takes everything down in the right order. The
/// parts are the same that a program can build by hand, and a message costs the same as with these.
///
///     bab::Bus bus({.ports = {{.device = "loopback"}}});
///     auto out = bus.publish({.session = "HELLO", .to = "239.1.1.1:30001"});
///     auto in = bus.subscribe({.from = "239.1.1.1:30001"});
///     out.send("hello");
///     while (auto got = in.next()) std::printf("%.*s\n", int(got.size()), got.data());
///
/// Publications and subscriptions that are placed on RunOn::kHere run on the thread that made the
/// bus, whenever this thread turns the bus: by turn(), or by a call that finds nothing to read or
/// no room. This is called "by hand". Publications and subscriptions on worker lcores run from
/// start() to stop(), with the tasks that spawn() was given.
///
/// A loop polls in this order: writers and flushers, then ports.
///
/// All calls are made on the thread that made the Bus, but for those that say so. This thread must
/// be an lcore: EAL's main lcore, or a registered thread (LcoreRegistration). Several Buses in a
/// process are independent of each other. They share EAL: it ends with the last Bus, unless the
/// host application started it, and it can't be started again.
class Bus {
 public:
  /// Starts or adopts EAL, makes pools and ports, starts the ports and waits for their links (how
  /// long: Port::longest_link_wait_s()). Throws Error; then nothing is left behind but EAL.
  /// `headers`: don't pass it. It says which headers the caller was compiled with; if these are not
  /// the library's, the constructor throws Error.
  explicit Bus(const BusOptions& options, const detail::Headers& headers = detail::kHeaders);
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  /// Calls stop() if the program did not. Packets that the application kept may be dropped later.
  /// Leaves all that the bus has as it is where a worker lcore does not end (see stop()), in a task
  /// or a poller, in a child of fork(), and after the host application has cleaned up its EAL.
  ~Bus();

  /// Publishes a session to an address. After start() this works only where writer and flusher are
  /// both RunOn::kHere. Throws Error; then nothing has changed.
  Publication publish(const PublishOptions& options);
  /// The same for several lcores, whose messages share frames. Returns one publication for each of
  /// `lcores`, in this order. PublishOptions::lcore is ignored, and RunOn::kWithIt means the first
  /// of `lcores`.
  std::vector<SharedPublication> publish(const PublishOptions& options,
                                         std::span<const unsigned> lcores);
  /// Subscribes to the messages of an address. After start() this works only where reader and RX
  /// poller are both RunOn::kHere. Throws Error; then nothing has changed.
  Subscription subscribe(const SubscribeOptions& options);

  /// Starts a task on the publication's lcore, as Lcore::spawn() does. `make()` returns its
  /// Task<void>. After start() this works only for a publication that is RunOn::kHere. A stop ends
  /// these tasks first: their waits are cancelled. Messages that they then flush() are still sent.
  /// What a task refers to must outlive the bus: capture publications by value. Throws Error: the
  /// lcore runs already, or the bus has stopped.
  template <class Writer, class Make>
  void spawn(const BasicPublication<Writer>& out, Make make) {
    tasks_of(out.lcore(), true).spawn(std::move(make));
  }
  /// The same on the subscription's lcore. A stop ends these tasks last, when nothing more comes.
  template <class Make>
  void spawn(const Subscription& in, Make make) {
    tasks_of(in.lcore(), false).spawn(std::move(make));
  }

  /// The loop of worker lcore `id`, or of RunOn::kHere, for pollers and tasks of the program's own.
  /// A stop ends these tasks together with those of subscriptions. Use the loop before start(), or
  /// on its own lcore. Throws Error: the bus has placed nothing on this lcore.
  Lcore& lcore(unsigned id);

  /// Starts the worker lcores that something is placed on. Call it once. Throws Error: the lcores
  /// were started already, the bus was stopped, or an lcore is busy.
  void start();
  /// Turns what is RunOn::kHere once, at the caller's time in TSC ticks. Returns how much work was
  /// done; 0: none. A program that pauses between turns calls BufferPool::empty_caches() before the
  /// pause, as with Lcore::turn(). Throws what a poller of the program's own threw there. What it
  /// throws in a turn that a call with nothing to read or no room makes comes from stop().
  unsigned turn(std::uint64_t now_tsc);
  /// Turns by the CPU's clock until `done()` returns true, or the bus has stopped. Throws what a
  /// task or a poller that is RunOn::kHere threw; stop() doesn't throw it again.
  template <class Done>
  void run_until(Done done) {
    while (!done() && turn_now()) {
    }
  }

  /// Asks for a stop. Each turn() takes it further; stopped() says when it is over. Write nothing
  /// from then on. Any thread may call these three, so also a task on a worker lcore.
  void begin_stop() noexcept;
  [[nodiscard]] bool stopping() const noexcept;
  [[nodiscard]] bool stopped() const noexcept;
  /// Stops in stages:
  ///
  /// 1. Tasks of publications end.
  /// 2. Messages that were written are sent.
  /// 3. Frames that are on their way are received, and read where a task or a worker lcore reads.
  /// 4. The other tasks end, and worker lcores with them.
  /// 5. Ports stop, and the buffers of all pools are counted.
  ///
  /// Each stage has a part of BusOptions::stop_ms, whatever still comes from the wire. What a stage
  /// does not finish is dropped, counted and reported. A task that does not end when its waits are
  /// cancelled stays as it is, and is reported. So does the whole bus where a task or a poller on a
  /// worker lcore does not return. Where a task throws, the waits of the tasks beside it are
  /// cancelled, and the bus's own pollers go on. Throws what a task or a poller threw, when the bus
  /// has stopped: the first of these exceptions. Afterwards only stats(), drops() and session() of
  /// a publication or subscription may be called. Throws Error: it is called by a task or a poller
  /// of the bus, or on another thread; call begin_stop() there.
  const StopReport& stop();
  /// How the stop went. Empty before stopped().
  [[nodiscard]] const StopReport& report() const noexcept;

  /// What runs where, and why.
  [[nodiscard]] Placement placement() const;
  /// Why port `i`'s pools have their sizes: the pool that is sent from, and the pool that is
  /// received into or copied to. The second one has no terms where the port receives what was sent.
  /// Throws Error: there is no port `i`. This is so for all functions below that take an `i`.
  [[nodiscard]] PoolPlan tx_plan(std::size_t i) const;
  [[nodiscard]] PoolPlan rx_plan(std::size_t i) const;
  /// The longest IP packet that port `i` carries, in bytes.
  [[nodiscard]] std::uint32_t mtu(std::size_t i) const;
  /// Port `i`, for its statistics, notes() and a PortWatch. Throws Error: it is the host's, or the
  /// stop has closed it.
  [[nodiscard]] Port& port(std::size_t i);
  /// Frames that port `i` received for no subscription, by reason. `other_port`: frames of
  /// MoldUDP64 for an address that nothing subscribes to. Exact on the lcore that polls the port,
  /// and after the stop.
  [[nodiscard]] DropCounters drops(std::size_t i) const;
  /// The pool whose buffers messages for port `i` are written into.
  [[nodiscard]] BufferPool& tx_pool(std::size_t i);

  /// For the library only.
  class Impl;

 private:
  Lcore& tasks_of(unsigned lcore, bool writers);
  bool turn_now();

  std::unique_ptr<Impl> impl_;
};

}  // namespace bab
