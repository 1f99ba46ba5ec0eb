#include <bab/bus/bus.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_use.hpp>

#include "bus_impl.hpp"
#include "checks.hpp"

namespace bab {
namespace {

/// EAL is one for all Buses of a process, and ends with the last of them where they started it.
struct SharedEal {
  std::mutex mutex;
  std::weak_ptr<Eal> eal;
  /// Started for a Bus that isn't made yet. Where it can't be made, EAL is there for the next one.
  std::shared_ptr<Eal> kept;
  std::optional<std::vector<std::string>> arguments;
};

SharedEal& shared_eal() {
  static SharedEal shared;
  return shared;
}

std::shared_ptr<Eal> eal_for(const BusOptions& options, const detail::Headers& headers) {
  SharedEal& shared = shared_eal();
  const std::lock_guard lock(shared.mutex);
  if (std::shared_ptr<Eal> others = shared.eal.lock()) {
    if (options.eal && !shared.kept)
      throw Error(
          "BusOptions::eal: another Bus of this process has EAL already; leave its arguments out "
          "here, and give those that are needed to the first Bus");
    if (options.eal && options.eal != shared.arguments)
      throw Error(
          "BusOptions::eal: EAL runs already, with other arguments, for a Bus that could not be "
          "made, and a process can initialise it only once; give the same ones, or none");
    (void)Eal::adopt(headers);  // looks whether this thread may use it
    return others;
  }
  std::shared_ptr<Eal> eal;
  if (!options.eal && rte_lcore_count() > 0) {
    eal = std::make_shared<Eal>(Eal::adopt(headers));
  } else {
    eal = std::make_shared<Eal>(options.eal ? *options.eal : embedded_eal_args(), headers);
    shared.arguments = options.eal;
    shared.kept = eal;
  }
  shared.eal = eal;
  return eal;
}

/// A Bus was made: EAL ends with it.
void let_go_of_eal() {
  SharedEal& shared = shared_eal();
  const std::lock_guard lock(shared.mutex);
  shared.kept.reset();
}

std::string new_bus_name() {
  static std::atomic<unsigned> buses{0};
  return fmt::format("bus{}", buses++);
}

}  // namespace

Bus::Impl::Impl(const BusOptions& options, const detail::Headers& headers)
    : options_((detail::check_headers(headers), detail::check_options(options), options)),
      name_(new_bus_name()),
      eal_(eal_for(options, headers)) {
  lcore_ = rte_lcore_id();
  workers_ = detail::choose_lcores(options_);
  const std::vector<detail::PortChoice> choices = detail::choose_ports(options_);
  std::vector<unsigned> others;
  std::copy_if(workers_.begin(), workers_.end(), std::back_inserter(others),
               [this](unsigned lcore) { return claims_.is_anothers(lcore); });
  if (!options_.lcores.empty() && !others.empty())
    throw Error(fmt::format(
        "BusOptions::lcores names {}, which another Bus of this process has; name others, or leave "
        "lcores out",
        others.front()));
  const auto lcores = static_cast<unsigned>(1 + workers_.size());
  for (const detail::PortChoice& choice : choices)
    units_.push_back(std::make_unique<detail::PortUnit>(
        choice, fmt::format("{}_{}_", name_, units_.size()), lcores, options_.cache));
  loops_.push_back(std::make_unique<detail::BusLoop>(RunOn::kHere, IdleOptions{}, phase_));
  // All begin before the first link is waited for: one port may be cabled to another.
  for (const auto& unit : units_)
    if (unit->port() != nullptr) unit->port()->begin_start();
  for (const auto& unit : units_)
    if (unit->port() != nullptr) unit->port()->start();
  let_go_of_eal();
}

/// Of a loop: by hand, or launched and not ended.
bool Bus::Impl::turns(unsigned loop) const noexcept {
  return loop == RunOn::kHere || std::any_of(loops_.begin(), loops_.end(), [loop](const auto& l) {
           return l->id() == loop && l->launched() && !l->ended();
         });
}

detail::BusLoop& Bus::Impl::loop_of(unsigned lcore) {
  for (const auto& loop : loops_)
    if (loop->id() == lcore) return *loop;
  throw Error(fmt::format(
      "lcore {}: this Bus has nothing there; place a publication or a subscription on it first",
      lcore));
}

detail::BusLoop& Bus::Impl::loop_for_tasks(unsigned lcore) {
  if (is_stopped()) throw Error("spawning a task on a Bus that was stopped: make another one");
  detail::BusLoop& loop = loop_of(lcore);
  if (loop.launched())
    throw Error(fmt::format(
        "spawning a task on lcore {}: it runs already; spawn it before start(), or in a task there "
        "by Lcore::current()->spawn()",
        lcore));
  return loop;
}

void Bus::Impl::start() {
  if (stop_wanted_) throw Error("starting a Bus that was stopped: make another one");
  if (started_) throw Error("starting a Bus: its lcores run already");
  std::vector<detail::BusLoop*> all;
  for (const auto& loop : loops_)
    if (loop->id() != RunOn::kHere && !loop->launched()) all.push_back(loop.get());
  // None is launched where one can't be: the program lets that one end, and starts all.
  for (const detail::BusLoop* loop : all)
    if (rte_eal_get_lcore_state(loop->id()) != WAIT)
      throw Error(fmt::format(
          "lcore {0} is busy with something else; let that end (rte_eal_wait_lcore({0})), or "
          "place what is on it on another lcore",
          loop->id()));
  for (detail::BusLoop* loop : all) loop->launch();
  started_ = true;
}

/// What a poller of the program's own throws ends the turn. A stop goes on all the same.
unsigned Bus::Impl::step(std::uint64_t now_tsc, std::exception_ptr& thrown) {
  if (is_stopped() || turning_) return 0;
  turned_at_ = now_tsc;
  unsigned work = 0;
  turning_ = true;
  try {
    work = loops_.front()->lcore().turn(now_tsc);
  } catch (...) {
    thrown = std::current_exception();
  }
  turning_ = false;
  if (stop_wanted()) advance(now_tsc);
  return work;
}

unsigned Bus::Impl::turn(std::uint64_t now_tsc) {
  std::exception_ptr thrown;
  const unsigned work = step(now_tsc, thrown);
  if (thrown) std::rethrow_exception(thrown);
  return work;
}

bool Bus::Impl::turn_now() {
  turn(rte_rdtsc());
  if (is_stopped()) return false;
  loops_.front()->rethrow();
  return true;
}

bool Bus::Impl::turn_by_hand(bool flushing) noexcept {
  if (options_.clock == BusClock::kCaller || Lcore::current() != nullptr || turning_ ||
      is_stopped() || rte_lcore_id() != lcore_)
    return false;
  if (flushing)
    for (detail::WritingEnd* end : by_hand_) end->flush();
  std::exception_ptr thrown;
  step(rte_rdtsc(), thrown);
  keep(std::move(thrown));
  return true;
}

Placement Bus::Impl::placement() const {
  Placement placement;
  for (const Row& row : rows_) {
    const bool by_hand = row.loop == RunOn::kHere;
    placement.rows.push_back({by_hand ? lcore_ : row.loop, by_hand, row.what, row.why});
  }
  std::stable_sort(placement.rows.begin(), placement.rows.end(), [](const auto& a, const auto& b) {
    return a.by_hand != b.by_hand ? a.by_hand : a.lcore < b.lcore;
  });
  return placement;
}

detail::PortUnit& Bus::Impl::unit(std::size_t i) {
  if (i >= units_.size())
    throw Error(fmt::format("port {}: this Bus has {}, counted from 0", i, units_.size()));
  return *units_[i];
}

Bus::Bus(const BusOptions& options, const detail::Headers& headers)
    : impl_(std::make_unique<Impl>(options, headers)) {}

Bus::~Bus() {
  const bool may_end = detail::eal_is_there() && impl_->may_end_here();
  if (may_end) try {
      impl_->end();
    } catch (...) {  // no memory: it stays where it is
    }
  if (!may_end || !impl_->may_go()) (void)impl_.release();
}

Publication Bus::publish(const PublishOptions& options) { return impl_->publish(options); }
std::vector<SharedPublication> Bus::publish(const PublishOptions& options,
                                            std::span<const unsigned> lcores) {
  return impl_->publish(options, lcores);
}
Subscription Bus::subscribe(const SubscribeOptions& options) { return impl_->subscribe(options); }

Lcore& Bus::lcore(unsigned id) { return impl_->loop_of(id).lcore(); }
Lcore& Bus::tasks_of(unsigned lcore, bool writers) {
  detail::BusLoop& loop = impl_->loop_for_tasks(lcore);
  return writers ? loop.writers() : loop.lcore();
}
void Bus::start() { impl_->start(); }
unsigned Bus::turn(std::uint64_t now_tsc) { return impl_->turn(now_tsc); }
bool Bus::turn_now() { return impl_->turn_now(); }
void Bus::begin_stop() noexcept { impl_->begin_stop(); }
bool Bus::stopping() const noexcept { return impl_->stop_wanted(); }
bool Bus::stopped() const noexcept { return impl_->is_stopped(); }

const StopReport& Bus::stop() {
  impl_->stop();
  return impl_->report();
}
const StopReport& Bus::report() const noexcept { return impl_->report(); }

Placement Bus::placement() const { return impl_->placement(); }
PoolPlan Bus::tx_plan(std::size_t i) const { return impl_->unit(i).tx_plan(); }
PoolPlan Bus::rx_plan(std::size_t i) const { return impl_->unit(i).rx_plan(); }
std::uint32_t Bus::mtu(std::size_t i) const { return impl_->unit(i).mtu(); }
DropCounters Bus::drops(std::size_t i) const {
  const detail::PortUnit& unit = impl_->unit(i);
  return unit.receiver ? unit.receiver->drops() : DropCounters();
}
BufferPool& Bus::tx_pool(std::size_t i) { return impl_->unit(i).tx_pool(); }
Port& Bus::port(std::size_t i) {
  detail::PortUnit& unit = impl_->unit(i);
  if (unit.is_hosts())
    throw Error(fmt::format("{} is the host's, and the bus has two queues of it; ask the host",
                            unit.label()));
  if (unit.port() == nullptr)
    throw Error(fmt::format("{} was closed when the bus stopped; ask before", unit.label()));
  return *unit.port();
}

}  // namespace bab
