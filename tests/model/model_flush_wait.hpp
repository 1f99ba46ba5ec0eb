#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <bab/lcore/wait.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/message/complete_frame.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/writer_options.hpp>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "model_shared_writer.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// What the producers of a shared writer do, a string for each. c, a and h are for a message of
/// three bytes each.
/// c: commits a message.
/// a: aborts a message.
/// h: holds a message until o.
/// o: commits the oldest message that is held.
/// f: flushes.
/// w: awaits a flush.
/// x: begins to await a flush, and cancels after a turn.
/// r: makes the writer anew, on the same ring (only with one producer).
/// At its end each producer settles what it holds, and flushes.
struct FlushWaitPlan {
  std::vector<std::string_view> producers;
  std::uint32_t capacity;  ///< of a frame, in bytes; a message takes 5
  unsigned refusals;       ///< how often the sink may take one frame fewer than it is offered
  unsigned drops;          ///< how often the flusher may drop pending frames
  Bounds bounds;
  unsigned flushers = 0;  ///< how often another flusher may replace it; its frames are dropped
};

inline std::string named(const FlushWaitPlan& plan) {
  std::string name = std::to_string(plan.capacity) + " bytes, " + std::to_string(plan.refusals) +
                     " refusals, " + std::to_string(plan.drops) + " drops, " +
                     std::to_string(plan.flushers) + " more flushers:";
  for (std::string_view each : plan.producers) name += ' ' + std::string(each);
  return name;
}

/// The threads are the producers, then the flusher, which also cleans up. When a wait for a flush
/// ends, the sink must have taken all of the producer's messages, or the producer is told of a
/// drop. Every wait must end.
template <class F>
class FlushWaitScenario {
  using Atom = MemoryAtom;
  using Writer = typename F::template SharedWriter<Atom>;
  using Producer = typename Writer::Producer;
  using Reservation = typename Producer::Reservation;
  using Wait = typename F::template FlushWait<Producer>;
  using Result = decltype(std::declval<const Wait&>().result());

  /// Counts the messages that the sink took. The counts are plain memory: only the wait makes it
  /// safe to read them.
  struct Sink {
    unsigned send(std::span<rte_mbuf*> frames) noexcept {
      auto n = static_cast<unsigned>(frames.size());
      if (refusals > 0 && Machine::choose(2) == 1) {
        --refusals;
        --n;
      }
      for (rte_mbuf* m : frames.first(n)) {
        for (std::span<const std::uint8_t> message : CompleteFrame(m)) ++seen[message[0] - 'A'];
        BufferPool::release(m);
      }
      return n;
    }
    unsigned refusals;
    std::array<std::uint64_t, 4> seen{};
  };
  using Flusher = typename F::template WriteFlusher<Sink, Atom>;
  using Ring = typename Flusher::Ring;

 public:
  FlushWaitScenario(BufferPool& pool, const FlushWaitPlan& plan)
      : pool_(pool),
        plan_(plan),
        n_(static_cast<unsigned>(plan.producers.size())),
        sink_{plan.refusals},
        watched_(&sink_.seen, sizeof sink_.seen),
        drops_(plan.drops),
        flushers_(plan.flushers) {
    for (unsigned i = 0; i < n_; ++i) rings_.push_back(std::make_unique<Ring>(pool.size()));
    begin_flusher();
    begin_writer();
  }

  void thread(unsigned i) {
    if (i == n_)
      flush();
    else
      produce(i);
  }

  std::optional<std::string> check() { return std::nullopt; }  // the last thread checks at its end

 private:
  /// Does with a wait what an Lcore does, step by step.
  struct Step : bab::Wait {
    static bool turn(bab::Wait& wait) { return (wait.*&Step::poll)(); }
    static void cancel(bab::Wait& wait) { (wait.*&Step::withdraw)(); }
  };

  void begin_writer() {
    producers_.clear();
    writer_.reset();
    writer_ = std::make_unique<Writer>(pool_, WriterOptions{plan_.capacity, kModelHeader, {}, 7});
    for (auto& ring : rings_) producers_.push_back(std::make_unique<Producer>(*writer_, *ring));
  }
  void begin_flusher() {
    flusher_.reset();
    flusher_ = std::make_unique<Flusher>(sink_, wire::FrameHeader({}));
    std::vector<Ring*> rings;
    for (auto& ring : rings_) rings.push_back(ring.get());
    flusher_->add_shared(rings);
  }

  void produce(unsigned i) {
    std::optional<Wait> wait(producers_[i].get());
    std::list<Reservation> held;
    std::uint64_t committed = 0;
    std::uint64_t lost = 0;
    const auto settle = [&] {
      held.front().commit();
      held.pop_front();
      ++committed;
    };
    const auto compare = [&] {
      const std::uint64_t seen = sink_.seen[i];
      if (wait->result() == Result::kDropped) {
        if (!dropping_) Machine::fail("told of a drop that wasn't");
        lost = committed - seen;
      } else if (wait->result() != Result::kSent || seen + lost != committed) {
        Machine::fail("of " + std::to_string(committed) + " messages " + std::to_string(seen) +
                      " were seen and " + std::to_string(lost) + " lost");
      }
    };
    for (const char what : plan_.producers[i]) {
      Producer& p = *producers_[i];
      if (what == 'f') p.flush();
      if (what == 'o' && !held.empty()) settle();
      if (what == 'x') {
        if (Step::turn(*wait))
          compare();
        else
          Step::cancel(*wait);
      }
      if (what == 'w') {
        await(p, *wait);
        compare();
      }
      if (what == 'r') {
        wait.reset();
        begin_writer();
        wait.emplace(producers_[i].get());
      }
      if (!std::strchr("cah", what)) continue;
      auto r = reserve(p);
      if (!r) continue;
      std::memset(r.data(), static_cast<char>('A' + i), 3);
      if (what == 'a') r.abort();
      if (what == 'h') held.push_back(std::move(r));
      if (what != 'c') continue;
      r.commit();
      ++committed;
    }
    while (!held.empty()) settle();
    producers_[i]->flush();
    Memory::release(this);
    ++ended_producers_;
  }

  /// Tries several times: the thread that brings the next frame in may be delayed.
  static Reservation reserve(Producer& p) {
    for (int attempt = 0;; ++attempt) {
      Reservation r = p.reserve(3);
      if (r || attempt == 2) return r;
      p.poll(0);
    }
  }

  /// Does what an lcore's loop does.
  static void await(Producer& p, Wait& wait) {
    while (true) {
      const std::uint64_t seen = Machine::version();
      if (Step::turn(wait)) return;
      p.poll(0);
      Machine::wait_for_change(seen);
    }
  }

  void flush() {
    const std::function<bool()> something = [this] {
      return ended_producers_ == n_ || flusher_->pending() > 0 ||
             std::any_of(rings_.begin(), rings_.end(),
                         [](const auto& r) { return r->state()->queue().unread() > 0; });
    };
    while (true) {
      Machine::wait_until(something);
      const bool all = ended_producers_ == n_;
      if (drops_ > 0 && Machine::choose(2) == 1) {
        --drops_;
        dropping_ = true;
        flusher_->drop_pending();
      } else if (flushers_ > 0 && Machine::choose(2) == 1) {
        --flushers_;
        dropping_ = true;
        begin_flusher();
      } else if (flusher_->poll() == 0 && flusher_->pending() == 0 && all) {
        break;
      }
    }
    Memory::acquire(this);  // as after a join of all producers
    while (flusher_->poll() > 0) {
    }
    producers_.clear();
    while (flusher_->poll() > 0) {
    }
    flusher_.reset();
    writer_.reset();
    if (pool_.available() != pool_.size())
      Machine::fail("missing buffers: " + std::to_string(pool_.in_use()));
  }

  BufferPool& pool_;
  const FlushWaitPlan& plan_;
  unsigned n_;
  Sink sink_;
  Memory::Watched watched_;
  unsigned drops_;
  unsigned flushers_;
  bool dropping_ = false;
  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<std::unique_ptr<Producer>> producers_;
  std::unique_ptr<Flusher> flusher_;
  unsigned ended_producers_ = 0;
};

/// Thread i runs as lcore i.
template <class F>
Exploration explore_flush_wait(const FlushWaitPlan& plan) {
  BufferPool pool(pool_options(16, 0));  // always enough
  const WatchedPool watched(pool);
  const LcorePerThread lcores;
  return explore(static_cast<unsigned>(plan.producers.size()) + 1,
                 kept_if_failed(scenario<FlushWaitScenario<F>>(pool, plan)), plan.bounds);
}

}  // namespace bab::test::model
