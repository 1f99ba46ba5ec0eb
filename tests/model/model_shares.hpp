#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// What threads do with handles to one message, a string for each. Thread i is lcore i. At the
/// start the first thread has the only Packet.
/// c: clones the newest Packet.
/// d: drops the oldest Packet.
/// v: reads the bytes.
/// s: sends the oldest Packet to the next thread.
/// S: sends the oldest Packet to the thread after the next.
/// b: clones the oldest Packet and sends both at once.
/// r: receives a SendPacket.
/// x: drops a SendPacket that came.
/// N: ends the use of the frame, as a NIC does.
/// A: when the buffer is free, takes it for a message of its own.
/// At its end each thread drops what it has.
struct SharesPlan {
  std::vector<std::string_view> threads;
  Bounds bounds;
};

inline std::string named(const SharesPlan& plan) {
  std::string name;
  for (std::string_view each : plan.threads) {
    if (!name.empty()) name += ' ';
    name += each;
  }
  return name;
}

/// `F` names the classes: those of production or those of a mutant.
template <class F>
class SharesScenario {
  using Pool = typename F::BufferPool;
  using Packet = typename F::Packet;
  using SendPacket = typename F::SendPacket;

 public:
  SharesScenario(Pool& pool, const SharesPlan& plan) : pool_(pool), plan_(plan) {
    RTE_PER_LCORE(_lcore_id) = 0;
    mail_.resize(plan.threads.size());
    packets_.resize(plan.threads.size());
    frame_ = pool.try_acquire();
    auto* bytes = rte_pktmbuf_mtod(frame_, std::uint8_t*);
    std::memcpy(bytes, kText.data(), kText.size());
    F::Shares::take(frame_);  // a share for the first thread, beside the frame's own
    packets_[0].push_back(typename F::PacketSource(frame_, 1).packet(bytes, kText.size()));
  }

  void thread(unsigned i) {
    std::deque<Packet>& mine = packets_[i];
    const unsigned n = static_cast<unsigned>(plan_.threads.size());
    for (const char what : plan_.threads[i]) {
      if (what == 'c') mine.push_back(mine.back().clone());
      if (what == 'd') mine.pop_front();
      if (what == 'v') verify(mine.front());
      if (what == 's' || what == 'S') post((i + (what == 's' ? 1 : 2)) % n, take(mine).send());
      if (what == 'b') send_two((i + 1) % n, mine);
      if (what == 'r') mine.push_back(fetch(i).receive());
      if (what == 'x') fetch(i);
      if (what == 'N') nic_is_done();
      if (what == 'A') use_anew();
      Machine::changed();  // a buffer may have come back: the model doesn't see the mempool's put
    }
    for (const Packet& packet : mine) verify(packet);
    mine.clear();
    Machine::changed();
  }

  std::optional<std::string> check() {
    for (const auto& mail : mail_)
      if (!mail.empty()) return "nobody received a message";
    if (pool_.available() != pool_.size()) return "the buffer is not back";
    rte_mbuf* m = pool_.try_acquire();
    const bool one = F::Shares::count(m) == 1;
    Pool::release(m);
    if (!one) return "a new buffer has not one share";
    return std::nullopt;
  }

 private:
  static constexpr std::string_view kText = "message";

  static Packet take(std::deque<Packet>& from) {
    Packet packet = std::move(from.front());
    from.pop_front();
    return packet;
  }

  static void verify(const Packet& packet) {
    std::string text;
    for (const std::uint8_t c : packet.bytes()) text += static_cast<char>(c);
    if (text != kText) Machine::fail("a Packet's bytes changed");
  }

  void post(unsigned to, SendPacket sent) {
    Machine::point();
    Memory::release(&mail_[to]);
    mail_[to].push_back(std::move(sent));
    Machine::changed();
  }

  void send_two(unsigned to, std::deque<Packet>& mine) {
    std::array<Packet, 2> both{mine.front().clone(), take(mine)};
    std::array<SendPacket, 2> sent;
    if (Packet::send(both, sent) != 2) Machine::fail("not all were sent");
    for (SendPacket& each : sent) post(to, std::move(each));
  }

  SendPacket fetch(unsigned i) {
    const std::function<bool()> came = [&] { return !mail_[i].empty(); };
    Machine::wait_until(came);
    Memory::acquire(&mail_[i]);
    SendPacket sent = std::move(mail_[i].front());
    mail_[i].pop_front();
    return sent;
  }

  /// Frees the frame as drivers do. Drivers read the count without acquire, and rely on the
  /// mempool's put: it is a release store, and no processor moves it before the load. C++ has no
  /// word for this. A fence stands in for it here.
  void nic_is_done() {
    rte_mbuf* m = rte_pktmbuf_prefree_seg(frame_);
    if (m == nullptr) return;
    std::atomic_thread_fence(std::memory_order_acquire);
    rte_mempool* mp = m->pool;
    detail::tsan_release(m);
    rte_mempool_put(mp, m);
  }

  void use_anew() {
    rte_mbuf* m;
    std::uint64_t seen = Machine::version();
    while ((m = pool_.try_acquire()) == nullptr) {
      Machine::wait_for_change(seen);
      seen = Machine::version();
    }
    std::memset(rte_pktmbuf_mtod(m, void*), 'x', kText.size());
    Pool::release(m);
  }

  Pool& pool_;
  const SharesPlan& plan_;
  rte_mbuf* frame_;
  std::vector<std::deque<SendPacket>> mail_;
  std::vector<std::deque<Packet>> packets_;
};

template <class F>
Exploration explore_shares(const SharesPlan& plan) {
  typename F::BufferPool pool(pool_options<typename F::BufferPoolOptions>(1, 0));
  const WatchedPool watched(pool);
  const LcorePerThread lcores;
  return explore(static_cast<unsigned>(plan.threads.size()),
                 kept_if_failed(scenario<SharesScenario<F>>(pool, plan)), plan.bounds);
}

}  // namespace bab::test::model
