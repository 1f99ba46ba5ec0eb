#include "loop.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/detail/sanitizers.hpp>

namespace bab::detail {
namespace {

std::mutex claims_mutex;
std::array<bool, RTE_MAX_LCORE> claimed{};

}  // namespace

BusLoop::BusLoop(unsigned lcore, const IdleOptions& idle, const AtomicBusPhase& phase)
    : id_(lcore), phase_(phase), lcore_(idle) {
  lcore_.add(*this);
}

Lcore& BusLoop::writers() {
  if (writers_ == nullptr) writers_ = std::make_unique<Writers>();
  return writers_->lcore;
}

unsigned BusLoop::poll(std::uint64_t now_tsc) noexcept {
  unsigned work = 0;
  for (const Polled& p : senders_) work += p.poll(p.self, now_tsc);
  for (const Polled& p : receivers_) work += p.poll(p.self, now_tsc);
  if (writers_ != nullptr) {
    work += writers_->lcore.turn(now_tsc);
    // R62: pairs with A62: what these tasks wrote is seen.
    writers_->left.store(writers_->lcore.tasks(), std::memory_order_release);
  }
  return work;
}

void BusLoop::send_rest() noexcept {
  for (const Polled& p : senders_) (void)p.poll(p.self, 0);
}

void BusLoop::launch() {
  tsan_release(this);  // EAL's own hand-over is inside an uninstrumented library
  const auto start = [](void* self) {
    tsan_acquire(self);
    static_cast<BusLoop*>(self)->run();
    return 0;
  };
  if (rte_eal_remote_launch(start, this, id_) != 0)
    throw Error(fmt::format(
        "lcore {0} is busy with something else; let that end (rte_eal_wait_lcore({0})), or place "
        "what is on it on another lcore",
        id_));
  launched_ = true;
}

void BusLoop::run() noexcept {
  const auto over = [this] {
    // A60: pairs with R60.
    const BusPhase phase = phase_.load(std::memory_order_acquire);
    return phase >= BusPhase::kTasks && (phase >= BusPhase::kOver || tasks() == 0);
  };
  // What a task or a poller throws ends run_until(). The bus's own pollers go on all the same.
  while (!over()) try {
      lcore_.run_until(over);
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
  send_rest();
  // R63: pairs with A63: all that this lcore did is seen, failure_ included.
  ended_.store(true, std::memory_order_release);
}

void BusLoop::join() noexcept {
  if (launched_) (void)rte_eal_wait_lcore(id_);
}

void BusLoop::rethrow() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  lcore_.rethrow();
  if (writers_ != nullptr) writers_->lcore.rethrow();
}

std::size_t BusLoop::drop_tasks() noexcept {
  const std::size_t dropped = tasks();
  lcore_.drop_tasks();
  if (writers_ != nullptr) writers_->lcore.drop_tasks();
  return dropped;
}

LcoreClaims::~LcoreClaims() {
  const std::lock_guard lock(claims_mutex);
  for (const unsigned lcore : mine_) claimed.at(lcore) = false;
}

bool LcoreClaims::claim(unsigned lcore) {
  const std::lock_guard lock(claims_mutex);
  if (std::find(mine_.begin(), mine_.end(), lcore) != mine_.end()) return true;
  if (claimed.at(lcore)) return false;
  mine_.push_back(lcore);
  claimed.at(lcore) = true;
  return true;
}

bool LcoreClaims::is_anothers(unsigned lcore) const {
  const std::lock_guard lock(claims_mutex);
  return claimed.at(lcore) && std::find(mine_.begin(), mine_.end(), lcore) == mine_.end();
}

}  // namespace bab::detail
