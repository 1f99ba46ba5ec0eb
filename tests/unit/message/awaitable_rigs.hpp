#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <bab/lcore/acquire.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>
#include <bab/message/flush_wait.hpp>
#include <bab/message/reserve_wait.hpp>
#include <bab/message/staging_framer.hpp>

#include "packets.hpp"
#include "shared_bench.hpp"

namespace bab::test {

// A rig for each awaitable. A rig holds everything that its awaitable needs, and has these members:
//
//   make()          makes the awaitable
//   block()         from now on, an await has to wait
//   allow()         ends one wait, or all waits: they are granted
//   got(w, result)  called after `auto result = co_await w`; says whether w was granted, and keeps
//                   what w got, if this can't be had again
//   got(w)          the same after AnyOf
//   kAgain          awaited again after it was granted, the awaitable has to wait again
//   kAnyThread      a thread that didn't make the awaitable may await it
//   kCallers        after AnyOf, what was granted belongs to the caller, taken or not: a span of
//                   plain pointers

/// Takes buffers, so that nobody else can get them.
class Kept {
 public:
  explicit Kept(BufferPool& pool) : pool_(pool) {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { give_back(); }
  void keep(rte_mbuf* m) { buffers_.push_back(m); }
  void keep_all() {
    while (rte_mbuf* m = pool_.try_acquire()) keep(m);
  }
  void give_back(std::size_t most = SIZE_MAX) {
    for (; most > 0 && !buffers_.empty(); --most) {
      BufferPool::release(buffers_.back());
      buffers_.pop_back();
    }
  }

 private:
  BufferPool& pool_;
  std::vector<rte_mbuf*> buffers_;
};

struct RigTraits {
  static constexpr bool kAgain = true;
  static constexpr bool kAnyThread = true;
  static constexpr bool kCallers = false;
  std::uint64_t now = 1;
};

struct AcquireRig : RigTraits {
  Acquire make() { return pool.acquire(); }
  void block() { kept.keep_all(); }
  void allow() { kept.give_back(1); }
  bool got(Acquire&, rte_mbuf* m) {
    if (m != nullptr) kept.keep(m);
    return m != nullptr;
  }
  bool got(Acquire& w) { return got(w, w.buffer()); }
  FullPool pool{2};
  Kept kept{pool};
};

struct BulkRig : RigTraits {
  static constexpr bool kCallers = true;
  AcquireBulk make() { return pool.acquire(outs.emplace_back()); }
  void block() { kept.keep_all(); }
  void allow() { kept.give_back(2); }
  bool got(AcquireBulk&, Outcome outcome) {
    if (outcome != Outcome::kDone) return false;
    for (auto& out : outs)
      for (rte_mbuf*& m : out)
        if (m != nullptr) kept.keep(std::exchange(m, nullptr));
    return true;
  }
  bool got(AcquireBulk& w) { return got(w, w.outcome()); }
  FullPool pool{4};
  std::deque<std::array<rte_mbuf*, 2>> outs;
  Kept kept{pool};
};

template <class Refill>
struct FramerRig : RigTraits {
  Refill make() { return Refill(framer); }
  void block() { kept.keep_all(); }
  void allow() { kept.give_back(1); }
  bool got(Refill& w, std::span<std::uint8_t> room) {
    EXPECT_EQ(room.empty(), w.outcome() != Outcome::kDone);
    return use(w.outcome());
  }
  bool got(Refill&, Outcome outcome) { return use(outcome); }
  bool got(Refill& w) { return use(w.outcome()); }
  FullPool pool{4};
  StagingFramer framer{pool};
  Kept kept{pool};

 private:
  bool use(Outcome outcome) {
    if (outcome != Outcome::kDone) return false;
    EXPECT_TRUE(framer.commit(framer.room().size()));
    EXPECT_TRUE(framer.finish_frame());
    block();  // the framer's previous buffers are free again
    return true;
  }
};
using WriteRig = FramerRig<StagingFramer::Write>;
using NextBufferRig = FramerRig<StagingFramer::NextBuffer>;

/// Frames hold one message each. The pool has buffers for one frame.
template <class Bench>
struct ReserveRig : RigTraits {
  using Writer = typename Bench::Writer;
  ReserveWait<Writer> make() { return reserve_wait(bench.writer(), 8); }
  void block() { kept.keep_all(); }
  void allow() { kept.give_back(); }
  bool got(ReserveWait<Writer>&, typename ReserveWait<Writer>::Reservation room) {
    if (!room) return false;
    std::memcpy(room.data(), "8 bytes.", 8);
    room.commit();
    bench.keep_frames(kept);
    block();
    return true;
  }
  bool got(ReserveWait<Writer>& w) { return got(w, w.take()); }
  Bench bench;
  Kept kept{bench.pool()};
};

struct LocalBench {
  using Writer = LocalWriter;
  Writer& writer() { return *b.writer; }
  BufferPool& pool() { return b.pool; }
  void keep_frames(Kept& kept) {
    b.writer->flush();
    for (rte_mbuf* m : b.take()) kept.keep(m);
  }
  WriterBench b{2, 10};
};
struct NoFlushBench {
  using Writer = NoFlushWriter;
  Writer& writer() { return the_writer; }
  BufferPool& pool() { return the_pool; }
  void keep_frames(Kept&) { the_writer.flush(); }
  FullPool the_pool{1};
  NoFlushWriter the_writer{the_pool, {.payload_capacity = 10}};
};
struct ProducerBench {
  using Writer = SharedWriter::Producer;
  Writer& writer() { return b[0]; }
  BufferPool& pool() { return b.pool; }
  void keep_frames(Kept&) { (void)b.flushed(); }
  SharedBench b{2, 10, {}, 1};
};

/// One message is always under way, because the sink takes nothing.
template <class Bench>
struct FlushRig : RigTraits {
  using Writer = typename Bench::Writer;
  FlushWait<Writer> make() { return flush_wait(bench.writer()); }
  void block() {
    bench.sink().room = 0;
    auto room = bench.writer().reserve(1);
    room.commit();
  }
  void allow() {
    bench.sink().room = 8;
    bench.writer().flush();
    bench.poll();
    bench.sink().room = 0;
  }
  bool got(FlushWait<Writer>&, Flushed flushed) {
    const bool sent = flushed == Flushed::kSent;
    if (sent) block();
    return sent;
  }
  bool got(FlushWait<Writer>& w) { return got(w, w.result()); }
  Bench bench;
};

struct LocalFlusher {
  using Writer = LocalWriter;
  LocalFlusher() { flusher.add(b.ring); }
  Writer& writer() { return *b.writer; }
  KeepSink& sink() { return the_sink; }
  void poll() {
    while (flusher.poll() > 0) {
    }
  }
  KeepSink the_sink;
  WriterBench b{8, 64};
  WriteFlusher<KeepSink> flusher{the_sink, wire::FrameHeader({})};
};
struct ProducerFlusher {
  using Writer = SharedWriter::Producer;
  ~ProducerFlusher() { b.sink.room = ~0U; }
  Writer& writer() { return b[0]; }
  KeepSink& sink() { return b.sink; }
  void poll() { b.poll(); }
  SharedBench b{8, 64, {}, 1};
};

/// Each wait sends one Item through a Channel<T> with room for one.
template <class T, class Item>
struct SendRig : RigTraits {
  static constexpr bool kAgain = false;  // all is sent already
  static constexpr bool kAnyThread = !std::is_same_v<Item, Packet>;
  using Send = typename Channel<T>::template SendOf<Item>;
  ~SendRig() {
    for (Item& each : items) drop(each);
  }
  Send make() { return channel.send(std::span<Item>(&items.emplace_back(item<Item>()), 1)); }
  void block() {
    T filler = item<T>();
    if (channel.try_send(std::span<T>(&filler, 1)) == 0) drop(filler);
  }
  void allow() {
    T out{};
    if (channel.try_receive({&out, 1}) == 1) drop(out);
  }
  bool got(Send& w, Outcome outcome) {
    EXPECT_TRUE(outcome != Outcome::kDone || w.sent() == 1);
    return outcome == Outcome::kDone;
  }
  bool got(Send& w) { return got(w, w.outcome()); }

  template <class I>
  I item() {
    if constexpr (std::is_same_v<I, rte_mbuf*>) {
      return pool.try_acquire();
    } else {
      Packet packet = packet_with(pool, "x");
      if constexpr (std::is_same_v<I, Packet>)
        return packet;
      else
        return packet.send();
    }
  }
  static void drop(rte_mbuf*& m) {
    if (m != nullptr) BufferPool::release(std::exchange(m, nullptr));
  }
  template <class I>
  static void drop(I& i) {
    i = I();
  }

  FullPool pool{16};
  std::deque<Item> items;
  Channel<T> channel{1};
};

template <class T>
struct ReceiveRig : SendRig<T, T> {
  static constexpr bool kCallers = std::is_same_v<T, rte_mbuf*>;
  static constexpr bool kAgain = true;
  using Receive = typename Channel<T>::Receive;
  Receive make() { return this->channel.receive(std::span<T>(&outs.emplace_back(), 1)); }
  void block() {}
  void allow() {
    T in = this->template item<T>();
    EXPECT_EQ(this->channel.try_send({&in, 1}), 1U);
  }
  bool got(Receive& w, Outcome outcome) {
    EXPECT_EQ(outcome == Outcome::kDone, w.received() == 1);
    for (T& out : outs)
      if (outcome == Outcome::kDone) this->drop(out);
    return outcome == Outcome::kDone;
  }
  bool got(Receive& w) { return got(w, w.outcome()); }
  std::deque<T> outs;
};

struct SignalRig : RigTraits {
  static constexpr bool kAgain = false;  // the event has happened already
  SignalWait make() { return signal.wait(0); }
  void block() {}
  void allow() { signal.notify(); }
  bool got(SignalWait&, Outcome outcome) { return outcome == Outcome::kDone; }
  bool got(SignalWait& w) { return got(w, w.outcome()); }
  Signal signal;
};

struct SleepRig : RigTraits {
  static constexpr bool kAgain = false;
  Sleep make() { return Sleep(1000); }
  void block() {}
  void allow() { now = 1000; }
  bool got(Sleep&, Outcome outcome) { return outcome == Outcome::kDone; }
  bool got(Sleep& w) { return got(w, w.outcome()); }
};

}  // namespace bab::test
