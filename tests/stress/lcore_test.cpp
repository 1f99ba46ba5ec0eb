#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/any_of.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/registration.hpp>
#include <bab/lcore/signal.hpp>
#include <bab/memory/packet.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "seed.hpp"

namespace bab {
namespace {

using Clock = std::chrono::steady_clock;

/// A task that holds a buffer writes into it. If two tasks hold it at once, the counts or
/// ThreadSanitizer show this.
void occupy(std::span<rte_mbuf* const> buffers, std::uint64_t& broken) {
  for (rte_mbuf* m : buffers) {
    auto* word = rte_pktmbuf_mtod(m, std::uint64_t*);
    if (*word != 0) ++broken;
    *word = 1 + rte_lcore_id();
  }
}
void vacate(std::span<rte_mbuf* const> buffers, std::uint64_t& broken) {
  for (rte_mbuf* m : buffers) {
    auto* word = rte_pktmbuf_mtod(m, std::uint64_t*);
    if (*word == 0) ++broken;
    *word = 0;
  }
}
void clear(BufferPool& pool) {
  std::vector<rte_mbuf*> all(pool.size());
  ASSERT_TRUE(pool.try_acquire(all));
  for (rte_mbuf* m : all) std::memset(rte_pktmbuf_mtod(m, void*), 0, 8);
  BufferPool::release(all);
}

/// The channels from one lcore to the next.
struct Way {
  BufferChannel buffers{3};
  PacketChannel packets{3};
  std::uint64_t buffers_sent = 0, packets_sent = 0;          // the sender's
  std::uint64_t buffers_received = 0, packets_received = 0;  // the receiver's
};

/// One lcore of a circle. Its tasks acquire, send, receive and drop. Another of its tasks cancels
/// their waits at random.
class Station {
 public:
  Station(BufferPool& pool, Way* in, Way* out, std::uint64_t seed, IdleStrategy idle)
      : lcore({idle, 50}), pool_(pool), in_(in), out_(out), random_(seed) {
    for (int i = 0; i < 2; ++i) lcore.spawn([this, i] { return singles(waits_[i]); });
    for (int i = 2; i < 4; ++i) lcore.spawn([this, i] { return bulks(waits_[i]); });
    if (in_ != nullptr) {
      lcore.spawn([this] { return take_buffers(waits_[4]); });
      lcore.spawn([this] { return take_packets(waits_[5]); });
    }
    lcore.spawn([this] { return cancel_some(); });
  }

  void operator()() {
    lcore.run();
    if (out_ == nullptr) return;
    out_->buffers.close_sender();
    out_->packets.close_sender();
    (void)in_->buffers.close_receiver();
    (void)in_->packets.close_receiver();
  }

  Lcore lcore;
  std::uint64_t timeouts = 0, cancelled = 0, broken = 0;
  std::atomic<std::uint64_t> granted{0};  ///< Buffers; for any thread to read.

 private:
  /// Lets cancel_some() cancel a task's wait, as long as this object exists.
  class Exposed {
   public:
    Exposed(Wait*& place, Wait& wait) : place_(place) { place_ = &wait; }
    Exposed(const Exposed&) = delete;
    Exposed& operator=(const Exposed&) = delete;
    ~Exposed() { place_ = nullptr; }

   private:
    Wait*& place_;
  };

  [[nodiscard]] std::uint64_t random(std::uint64_t below) { return random_() % below; }
  /// A time within `us` microseconds, and now and then much later. On a loaded machine other
  /// threads don't run for milliseconds. If all times were short, no wait would live to be granted
  /// there.
  [[nodiscard]] std::uint64_t soon(std::uint64_t us) {
    return lcore.now() + random(us_tsc_ * (random(64) == 0 ? 20'000 : us));
  }

  Task<> singles(Wait*& exposed) {
    while (!lcore.stop_requested()) {
      rte_mbuf* m = nullptr;
      {
        Acquire acquire = pool_.acquire();
        const Exposed e(exposed, acquire);
        Sleep timeout(soon(200));
        const auto first = co_await AnyOf(acquire, timeout);
        m = acquire.buffer();
        if (first.index == 1) ++timeouts;
        if (first.outcome == Outcome::kCancelled) ++cancelled;
      }
      if (m == nullptr) {
        co_await Yield();
        continue;
      }
      granted.fetch_add(1, std::memory_order_relaxed);
      occupy({&m, 1}, broken);
      co_await Yield();
      vacate({&m, 1}, broken);
      if (out_ != nullptr && random(2) == 0)
        co_await pass_on(exposed, m);
      else
        drop(m);
      co_await Yield();
    }
  }

  Task<> bulks(Wait*& exposed) {
    while (!lcore.stop_requested()) {
      std::array<rte_mbuf*, 8> buffers{};
      const std::span some = std::span(buffers).first(1 + random(random(8) == 0 ? 8 : 4));
      Outcome outcome = Outcome::kCancelled;
      {
        AcquireBulk acquire = pool_.acquire(some);
        const Exposed e(exposed, acquire);
        outcome = co_await acquire;
      }
      if (outcome == Outcome::kDone) {
        granted.fetch_add(some.size(), std::memory_order_relaxed);
        occupy(some, broken);
        co_await Yield();
        vacate(some, broken);
        if (random(2) == 0)
          BufferPool::release(some);
        else
          for (rte_mbuf* m : some) drop(m);
      } else {
        ++cancelled;
      }
      (void)co_await Sleep(soon(200));
    }
  }

  Task<> pass_on(Wait*& exposed, rte_mbuf* m) {
    if (random(2) == 0) {
      auto send = out_->buffers.send({&m, 1});
      const Exposed e(exposed, send);
      (void)co_await send;
      out_->buffers_sent += send.sent();
      if (send.sent() == 0) BufferPool::release(m);
      co_return;
    }
    std::array<SendPacket, 2> items;
    {
      PacketSource source(m, 1);
      for (SendPacket& item : items)
        item = source.packet(rte_pktmbuf_mtod(m, const std::uint8_t*), 8).send();
    }
    auto send = out_->packets.send(items);
    const Exposed e(exposed, send);
    (void)co_await send;
    out_->packets_sent += send.sent();
  }

  Task<> take_buffers(Wait*& exposed) {
    while (!lcore.stop_requested()) {
      std::array<rte_mbuf*, 2> got{};
      auto receive = in_->buffers.receive(got);
      const Exposed e(exposed, receive);
      const Outcome outcome = co_await receive;
      for (rte_mbuf* m : std::span(got).first(receive.received())) {
        occupy({&m, 1}, broken);
        vacate({&m, 1}, broken);
        drop(m);
      }
      in_->buffers_received += receive.received();
      if (outcome == Outcome::kClosed) break;
      co_await Yield();
    }
  }

  Task<> take_packets(Wait*& exposed) {
    while (!lcore.stop_requested()) {
      std::array<SendPacket, 3> got;
      auto receive = in_->packets.receive(got);
      const Exposed e(exposed, receive);
      const Outcome outcome = co_await receive;
      for (SendPacket& item : std::span(got).first(receive.received())) {
        const Packet packet = item.receive();
        const Packet clone = packet.clone();
        if (clone.size() != 8) ++broken;
      }
      in_->packets_received += receive.received();
      if (outcome == Outcome::kClosed) break;
      co_await Yield();
    }
  }

  Task<> cancel_some() {
    Outcome slept = Outcome::kDone;
    while (slept == Outcome::kDone) {
      Wait* const wait = waits_[random(waits_.size())];
      if (wait != nullptr) wait->cancel();
      slept = co_await Sleep(soon(100));
    }
  }

  /// Drops a buffer as bab does, or as a driver does, without bab's functions.
  void drop(rte_mbuf* m) {
    if (random(2) == 0) return BufferPool::release(m);
    rte_mempool* pool = m->pool;
    if (rte_pktmbuf_prefree_seg(m) == nullptr) return;
    detail::tsan_release(m);
    rte_mempool_put(pool, m);
  }

  BufferPool& pool_;
  Way* in_;
  Way* out_;
  std::mt19937_64 random_;
  std::uint64_t us_tsc_ = rte_get_tsc_hz() / 1'000'000;
  std::array<Wait*, 6> waits_{};
};

/// Threads that EAL doesn't know. They register, take part for some milliseconds, and go.
struct Visitor {
  void operator()() {
    std::uint64_t seed = first_seed;
    while (!end.load(std::memory_order_relaxed)) {
      const LcoreRegistration registration;
      Station station(pool, nullptr, nullptr, ++seed, IdleStrategy::kBackOff);
      const std::uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 200;
      station.lcore.spawn([&]() -> Task<> {
        (void)co_await Sleep(until);
        station.lcore.request_stop();
      });
      station();
      granted += station.granted;
      broken += station.broken;
      ++visits;
    }
  }
  BufferPool& pool;
  const std::atomic<bool>& end;
  std::uint64_t first_seed;
  std::uint64_t visits = 0, granted = 0, broken = 0;
};

void run_circle(std::uint32_t cache, std::chrono::milliseconds how_long, std::uint64_t seed) {
  // So few buffers that everybody has to wait. With caches there are some more, because caches keep
  // a quarter of them at most.
  test::FullPool pool(test::small_pool(cache == 0 ? 8 : 24, cache));
  clear(pool);
  {
    std::array<Way, 4> ways;
    std::array<std::unique_ptr<Station>, 4> stations;
    for (unsigned i = 0; i < 4; ++i)
      stations[i] =
          std::make_unique<Station>(pool, &ways[i], &ways[(i + 1) % 4], seed + i,
                                    i % 2 == 0 ? IdleStrategy::kBackOff : IdleStrategy::kPause);
    std::atomic<bool> end{false};
    std::array<Visitor, 2> visitors{Visitor{pool, end, seed + 100}, Visitor{pool, end, seed + 200}};
    for (unsigned i = 1; i < 4; ++i) test::start_on(i, *stations[i]);
    std::array<std::thread, 2> threads{std::thread(std::ref(visitors[0])),
                                       std::thread(std::ref(visitors[1]))};
    std::thread clock([&] {
      std::this_thread::sleep_for(how_long);
      // Under a sanitizer, six threads share fewer CPUs. If one of them hardly runs, most of its
      // waits time out. A thread is starved if it gets nothing for much longer than that.
      const Clock::time_point limit = Clock::now() + std::chrono::seconds(30);
      for (auto& station : stations)
        while (station->granted.load(std::memory_order_relaxed) == 0 && Clock::now() < limit)
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
      end = true;
      for (auto& station : stations) station->lcore.request_stop();
    });
    (*stations[0])();
    clock.join();
    for (std::thread& t : threads) t.join();
    for (unsigned i = 1; i < 4; ++i) test::wait_for(i, *stations[i]);

    std::uint64_t granted = 0, cancelled = 0, timeouts = 0, sent = 0;
    for (const auto& s : stations) {
      EXPECT_EQ(s->broken, 0U);
      EXPECT_GT(s->granted.load(), 0U) << "starved";
      EXPECT_EQ(s->lcore.tasks(), 0U);
      granted += s->granted;
      cancelled += s->cancelled;
      timeouts += s->timeouts;
    }
    for (const Way& w : ways) {
      EXPECT_EQ(w.buffers_sent, w.buffers_received + w.buffers.discarded() + w.buffers.size());
      EXPECT_EQ(w.packets_sent, w.packets_received + w.packets.discarded() + w.packets.size());
      sent += w.buffers_sent + w.packets_sent;
    }
    for (const Visitor& v : visitors) {
      EXPECT_EQ(v.broken, 0U);
      EXPECT_GT(v.visits, 0U);
    }
    EXPECT_EQ(pool.stats().waiting, 0U);
    std::printf(
        "cache %u: %llu buffers granted and %llu to %llu visitors, %llu cancelled, %llu timeouts, "
        "%llu items sent\n",
        cache, static_cast<unsigned long long>(granted),
        static_cast<unsigned long long>(visitors[0].granted + visitors[1].granted),
        static_cast<unsigned long long>(visitors[0].visits + visitors[1].visits),
        static_cast<unsigned long long>(cancelled), static_cast<unsigned long long>(timeouts),
        static_cast<unsigned long long>(sent));
  }
}

std::chrono::milliseconds each_of(int runs) {
  return std::chrono::milliseconds((std::getenv("BAB_LONG") != nullptr ? 180'000 : 1800) / runs);
}

TEST(StressLcore, ACircleOfLcoresAndVisitorsSharesEightBuffers) {
  const std::uint64_t seed = test::printed_seed();
  for (const std::uint32_t cache : {0U, 1U, 5U}) run_circle(cache, each_of(3), seed);
}

/// The line of waiters by itself. It has so few slots that they are used again all the time.
TEST(StressTicketQueue, OneAtATimeInOrderWhoeverLeavesEarly) {
  const std::uint64_t seed = test::printed_seed();
  TicketQueue<RealAtom, 3> line;
  std::atomic<bool> stop{false};
  std::uint64_t last = 0, served = 0;  // only the thread that is served changes these
  std::atomic<std::uint64_t> broken{0}, early{0};
  const auto work = [&](std::uint64_t own_seed) {
    std::mt19937_64 random(own_seed);
    while (!stop.load(std::memory_order_relaxed)) {
      const auto ticket = line.try_take();
      if (!ticket) {
        std::this_thread::yield();
        continue;
      }
      const bool waits = random() % 3 != 0;
      while (waits && !line.is_served(*ticket)) std::this_thread::yield();
      if (waits) {
        if (*ticket < last) broken.fetch_add(1, std::memory_order_relaxed);
        last = *ticket;
        ++served;
      } else {
        early.fetch_add(1, std::memory_order_relaxed);
      }
      line.leave(*ticket);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, seed + i);
  std::this_thread::sleep_for(each_of(6));
  stop = true;
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(broken, 0U);
  EXPECT_EQ(line.size(), 0U);
  EXPECT_GT(served, 100U);
  EXPECT_GT(early, 100U);
  std::printf("%llu served, %llu left early\n", static_cast<unsigned long long>(served),
              static_cast<unsigned long long>(early.load()));
}

}  // namespace
}  // namespace bab
