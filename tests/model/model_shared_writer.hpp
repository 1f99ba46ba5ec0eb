#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rte_lcore.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/message/writer_options.hpp>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// ExplorerAtom, and a ring that tells the number of its items without a step.
struct ModelAtom : ExplorerAtom {
  template <class T>
  class Ring : public ExplorerAtom::Ring<T> {
   public:
    using Base = ExplorerAtom::Ring<T>;
    using Base::Base;
    unsigned push(std::span<T* const> items) noexcept {
      const unsigned n = Base::push(items);
      unread_ += n;
      return n;
    }
    unsigned pop(std::span<T*> out) noexcept {
      const unsigned n = Base::pop(out);
      unread_ -= n;
      return n;
    }
    [[nodiscard]] unsigned unread() const noexcept { return unread_; }

   private:
    unsigned unread_ = 0;
  };
};

/// The same ring with the compiler's atomics, for programs whose memory is modelled.
struct MemoryAtom : RealAtom {
  template <class T>
  using Ring = ModelAtom::Ring<T>;
};

inline constexpr std::uint16_t kModelHeader = 62;

/// What the producers do, a string for each. c, a, s, p and h are for a message of three bytes
/// each.
/// c: commits a message.
/// a: aborts a message.
/// s: commits two bytes of a message.
/// p: commits a message and keeps its Packet.
/// h: holds a message.
/// o: settles the oldest message that is held.
/// n: settles the newest message that is held.
/// f: flushes.
/// y: polls.
/// At its end each producer settles what it holds, and flushes.
struct SharedPlan {
  std::vector<std::string_view> producers;
  std::uint32_t buffers;
  std::uint32_t capacity;  ///< of a frame, in bytes; a message takes 5
  Bounds bounds;
};

/// A message for which a producer reserved room.
struct SharedMessage {
  std::string text;
  bool published;
};

/// Keeps the messages of the frames, and frees the frames.
struct SharedSink {
  unsigned send(std::span<rte_mbuf*> frames) noexcept {
    for (rte_mbuf* m : frames) {
      read(m);
      BufferPool::release(m);
    }
    return static_cast<unsigned>(frames.size());
  }
  void read(rte_mbuf* m) {
    const BufferMeta& meta = buffer_meta(m);
    const std::uint8_t* at = rte_pktmbuf_mtod(m, const std::uint8_t*) + kModelHeader;
    std::span<const std::uint8_t> rest(at, meta.payload_len);
    for (unsigned k = 0; k < meta.messages; ++k) {
      if (rest.size() < 2) return Machine::fail("a frame is shorter than its messages");
      const std::size_t len = wire::load_be<std::uint16_t>(rest.data());
      if (rest.size() < 2 + len) return Machine::fail("a message is longer than its frame");
      std::string& text = came.emplace_back();
      for (const std::uint8_t c : rest.subspan(2, len)) text += static_cast<char>(c);
      rest = rest.subspan(2 + len);
    }
    if (!rest.empty()) Machine::fail("a frame is longer than its messages");
  }
  std::vector<std::string> came;
};

/// The threads are the producers, each on its own lcore, then the flusher. The last thread also
/// cleans up.
template <template <class> class Writer, class Atom>
class SharedScenario {
  using W = Writer<Atom>;
  using Producer = typename W::Producer;
  using Reservation = typename Producer::Reservation;
  using Ring = typename W::Ring;

 public:
  SharedScenario(BufferPool& pool, const SharedPlan& plan)
      : pool_(pool), plan_(plan), n_(static_cast<unsigned>(plan.producers.size())) {
    writer_ = std::make_unique<W>(pool, WriterOptions{plan.capacity, kModelHeader, {}, 7});
    watched_.emplace(writer_.get(), sizeof(W));
    flusher_ = std::make_unique<Flusher>(sink_, wire::FrameHeader({}));
    std::vector<Ring*> rings;
    for (unsigned i = 0; i < n_; ++i) {
      rings_.push_back(std::make_unique<Ring>(plan.buffers));
      rings.push_back(rings_.back().get());
      producers_.push_back(std::make_unique<Producer>(*writer_, *rings_.back()));
    }
    flusher_->add_shared(rings);
    reserved_.resize(n_);
  }

  void thread(unsigned i) {
    if (i == n_)
      flush();
    else
      produce(i);
  }

  std::optional<std::string> check() { return std::nullopt; }  // the last thread checks at its end

 private:
  struct Held {
    Reservation r;
    std::size_t index;
  };
  using Flusher = WriteFlusher<SharedSink, Atom>;

  void produce(unsigned i) {
    Producer& p = *producers_[i];
    std::list<Held> held;
    std::vector<std::pair<Packet, std::string>> packets;
    const auto settle = [&](auto at) {
      at->r.commit();
      reserved_[i][at->index].published = true;
      held.erase(at);
    };
    const auto settle_all = [&] {
      while (!held.empty()) settle(held.begin());
      for (const auto& [packet, text] : packets)
        if (packet.size() != text.size() || std::memcmp(packet.data(), text.data(), text.size()))
          Machine::fail("a Packet's bytes changed");
      packets.clear();
    };
    for (const char what : plan_.producers[i]) {
      if (what == 'f') p.flush();
      if (what == 'y') p.poll(0);
      if (what == 'o' && !held.empty()) settle(held.begin());
      if (what == 'n' && !held.empty()) settle(std::prev(held.end()));
      if (!std::strchr("acsph", what)) continue;
      std::string text{static_cast<char>('A' + i), static_cast<char>('a' + reserved_[i].size()),
                       '.'};
      Reservation r = reserve(p, settle_all);
      if (!r) continue;
      std::memcpy(r.data(), text.data(), text.size());
      if (what == 's') text.pop_back();
      reserved_[i].push_back({text, what != 'a' && what != 'h'});
      if (what == 'a') r.abort();
      if (what == 'c') r.commit();
      if (what == 's' && !r.commit(2)) Machine::fail("a shorter commit failed");
      if (what == 'p') packets.emplace_back(r.commit_packet(), text);
      if (what == 'h') held.push_back({std::move(r), reserved_[i].size() - 1});
    }
    p.flush();
    while (!held.empty()) settle(held.begin());
    p.flush();
    Machine::point();
    settle_all();
    Memory::release(this);
    ++ended_producers_;
  }

  /// Tries several times, and waits for buffers in between. A producer that waits holds nothing
  /// back.
  template <class SettleAll>
  Reservation reserve(Producer& p, const SettleAll& settle_all) {
    for (int attempt = 0;; ++attempt) {
      const std::uint64_t seen = progress_;
      Reservation r = p.reserve(3);
      if (r) ++progress_;
      if (r || attempt == 2) return r;
      settle_all();
      p.poll(0);
      const std::function<bool()> worth_it = [&] {
        return pool_.available() >= 2 || progress_ != seen;
      };
      Machine::wait_until(worth_it);
    }
  }

  void flush() {
    const std::function<bool()> something = [this] {
      return ended_producers_ == n_ || std::any_of(rings_.begin(), rings_.end(), [](const auto& r) {
               return r->state()->queue().unread() > 0;
             });
    };
    while (true) {
      Machine::wait_until(something);
      if (flusher_->poll() == 0 && ended_producers_ == n_) break;
      ++progress_;
    }
    Memory::acquire(this);  // as after a join of all producers
    while (flusher_->poll() > 0) {
    }
    compare();
    still_alive();
    producers_.clear();
    while (flusher_->poll() > 0) {
    }
    if (!flusher_->idle()) Machine::fail("frames are left that wait for one that never came");
    flusher_.reset();
    watched_.reset();
    writer_.reset();
    if (pool_.available() != pool_.size())
      Machine::fail("missing buffers: " + std::to_string(pool_.in_use()));
  }

  void compare() {
    for (unsigned i = 0; i < n_; ++i) {
      std::string wanted, got;
      for (const SharedMessage& m : reserved_[i])
        if (m.published) wanted += m.text + ' ';
      for (const std::string& text : sink_.came)
        if (!text.empty() && text[0] == static_cast<char>('A' + i)) got += text + ' ';
      if (got != wanted) Machine::fail("wanted " + wanted + "but " + got + "came");
    }
  }

  /// At the end one more message of the first producer must arrive.
  void still_alive() {
    const std::size_t before = sink_.came.size();
    rte_lcore_id_as(0);
    Reservation r = producers_[0]->reserve(3);
    if (!r) Machine::fail("no room any more");
    std::memcpy(r.data(), "end", 3);
    r.commit();
    producers_[0]->flush();
    while (flusher_->poll() > 0) {
    }
    rte_lcore_id_as(n_);
    if (sink_.came.size() != before + 1 || sink_.came.back() != "end")
      Machine::fail("a later message didn't come");
  }

  static void rte_lcore_id_as(unsigned lcore) { RTE_PER_LCORE(_lcore_id) = lcore; }

  BufferPool& pool_;
  const SharedPlan& plan_;
  unsigned n_;
  std::unique_ptr<W> writer_;
  std::optional<Memory::Watched> watched_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<std::unique_ptr<Producer>> producers_;
  SharedSink sink_;
  std::unique_ptr<Flusher> flusher_;
  std::vector<std::vector<SharedMessage>> reserved_;
  std::uint64_t progress_ = 0;
  unsigned ended_producers_ = 0;
};

/// Explores one plan: within its bounds or, if `random_runs` isn't 0, in so many random orders.
/// Thread i runs as lcore i.
template <template <class> class Writer, class Atom = ModelAtom>
Exploration explore_shared(const SharedPlan& plan, std::uint64_t random_runs = 0,
                           std::uint64_t seed = 0) {
  BufferPool pool(pool_options(plan.buffers, 0));
  const WatchedPool watched(pool);
  const LcorePerThread lcores;
  const MakeScenario make = kept_if_failed(scenario<SharedScenario<Writer, Atom>>(pool, plan));
  const auto threads = static_cast<unsigned>(plan.producers.size()) + 1;
  return random_runs == 0 ? explore(threads, make, plan.bounds)
                          : explore_at_random(threads, make, random_runs, seed, plan.bounds.weak);
}

inline std::string named(const SharedPlan& plan) {
  std::string name =
      std::to_string(plan.buffers) + " buffers of " + std::to_string(plan.capacity) + ":";
  for (std::string_view each : plan.producers) name += ' ' + std::string(each);
  return name;
}

/// Sanitizers make each run many times slower. A few runs are enough for them.
#if defined(BAB_ASAN) || defined(BAB_TSAN)
inline constexpr bool kSlow = true;
#else
inline constexpr bool kSlow = false;
#endif

/// `more`: preemptions beyond the usual ones.
inline std::vector<SharedPlan> shared_plans(unsigned more) {
  const auto p = [more](unsigned n) { return Bounds{kSlow ? 1U : n + more}; };
  return {
      {{"hccccccccccccccccccccccf"}, 40, 5, {0}},  // more unfinished frames than allowed
      {{"hccccccccccccccchof"}, 40, 5, {0}},       // two frames of one slot
      {{"c", "c"}, 2, 5, p(2)},                    // one message per frame, one frame at a time
      {{"cc", "cc"}, 2, 10, p(2)},                 // messages on both sides of a frame's end
      {{"cc", "cc"}, 6, 10, p(2)},
      {{"cfc", "cc"}, 4, 15, p(2)},  // flush against reserve
      {{"cf", "fc"}, 4, 10, p(2)},
      {{"ac", "pc"}, 4, 15, p(2)},  // a hole beside a Packet
      {{"sp", "pa"}, 6, 10, p(2)},
      {{"a", "a"}, 4, 5, p(2)},       // empty frames
      {{"hhno", "ch"}, 6, 10, p(2)},  // commits out of order
      {{"hcoy", "fc"}, 4, 10, p(2)},
      {{"c", "c", "c"}, 2, 5, p(1)},  // three producers
      {{"cc", "hc", "pa"}, 6, 10, p(1)},
      {{"cf", "s", "fc"}, 4, 10, p(1)},
      {{"c", "c"}, 4, 10, p(2)},  // both producers open a frame at once
  };
}

/// Longer plans, for runs at random.
inline std::vector<SharedPlan> long_shared_plans() {
  return {
      {{"cahsfcpo", "hcpfcano", "sccyhfpn"}, 6, 15, {}},
      {{"cccc", "pasc", "hfnc"}, 2, 10, {}},
      {{"cfcf", "fcfc", "hahp"}, 4, 5, {}},
      {{"cfcfc", "cfc"}, 6, 10, {}},
  };
}

}  // namespace bab::test::model
