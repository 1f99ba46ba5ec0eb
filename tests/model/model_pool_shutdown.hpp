#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// Each thread holds something of a pool. The pool is destroyed meanwhile. A string for each
/// thread:
/// v: receives a SendPacket and reads it.
/// x: drops a SendPacket.
/// D: destroys the pool.
struct ShutdownPlan {
  std::vector<std::string_view> threads;
  Bounds bounds;
};

inline std::string named(const ShutdownPlan& plan) {
  std::string name;
  for (std::string_view each : plan.threads) name += std::string(each) + ' ';
  return name + "at the pool's end";
}

template <class F>
class ShutdownScenario {
  using Pool = typename F::BufferPool;

 public:
  explicit ShutdownScenario(const ShutdownPlan& plan)
      : plan_(plan),
        pool_(std::make_unique<Pool>(pool_options<typename F::BufferPoolOptions>(2, 0))) {
    RTE_PER_LCORE(_lcore_id) = 0;
    rte_mbuf* m = pool_->try_acquire();
    auto* bytes = rte_pktmbuf_mtod(m, std::uint8_t*);
    std::memcpy(bytes, kText.data(), kText.size());
    auto packet = typename F::PacketSource(m, 1).packet(bytes, kText.size());
    for (std::size_t i = 0; i < plan.threads.size(); ++i) sent_.push_back(packet.clone().send());
  }

  void thread(unsigned i) {
    for (const char what : plan_.threads[i]) {
      if (what == 'v') verify(sent_[i].receive());
      if (what == 'x') sent_[i] = {};
      if (what == 'D') {
        pool_.reset();
        if (sent_[i]) verify(sent_[i].receive());
      }
    }
  }

  std::optional<std::string> check() {
    if (F::BufferHome::sweep() != 0) return "the pool's memory stays for ever";
    return std::nullopt;
  }

 private:
  static constexpr std::string_view kText = "message";

  static void verify(const typename F::Packet& packet) {
    if (std::string_view(reinterpret_cast<const char*>(packet.data()), packet.size()) != kText)
      Machine::fail("a Packet's bytes changed");
  }

  const ShutdownPlan& plan_;
  std::unique_ptr<Pool> pool_;
  std::vector<typename F::SendPacket> sent_;
};

template <class F>
Exploration explore_shutdown(const ShutdownPlan& plan) {
  (void)F::BufferHome::sweep();
  const LcorePerThread lcores;
  return explore(static_cast<unsigned>(plan.threads.size()),
                 kept_if_failed(scenario<ShutdownScenario<F>>(plan)), plan.bounds);
}

}  // namespace bab::test::model
