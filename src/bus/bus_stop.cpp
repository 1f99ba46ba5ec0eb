// How a Bus stops: in stages, of which each has its part of the time, whatever still comes from the
// wire.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_cycles.h>

#include <bab/base/error.hpp>

#include "bus_impl.hpp"

namespace bab {
namespace {

using detail::BusPhase;

// Of BusOptions::stop_ms, in percent: when a stage ends at the latest.
constexpr std::uint32_t kWritersUntil = 25;
constexpr std::uint32_t kDrainUntil = 55;
constexpr std::uint32_t kDropUntil = 60;
constexpr std::uint32_t kReceiveUntil = 80;
constexpr std::uint32_t kTasksUntil = 95;
constexpr std::uint32_t kAll = 100;
/// For so long nothing came for any subscription: what was on its way is there. At most a tenth of
/// the whole.
constexpr std::uint32_t kQuietMs = 10;
/// And so many turns: the first one of them may have begun before.
constexpr std::uint64_t kQuietTurns = 2;

void add_drops(Ledger::Row& row, const DropCounters& drops) {
  for (std::size_t i = 1; i < kDrops; ++i)
    if (const auto reason = static_cast<Drop>(i); drops[reason] > 0)
      row.out.emplace_back(drop_name(reason), drops[reason]);
}

std::uint64_t ticks(std::uint64_t ms) noexcept { return ms * rte_get_tsc_hz() / 1000; }

}  // namespace

/// What has a loop that doesn't turn can't go on, and is dropped at the end.
bool Bus::Impl::drained() const noexcept {
  for (std::size_t i = 0; i < sendings_.size(); ++i) {
    const std::vector<unsigned>& loops = sessions_[i].loops;
    if (!sendings_[i]->finished() &&
        std::all_of(loops.begin(), loops.end(), [this](unsigned l) { return turns(l); }))
      return false;
  }
  return true;
}

/// Nothing has come for a while, and what came is read, or isn't being read.
bool Bus::Impl::received(std::uint64_t now_tsc) noexcept {
  std::uint64_t delivered = 0, waiting = 0;
  for (std::size_t i = 0; i < received_.size(); ++i) {
    delivered += received_[i]->delivered();
    if (is_read(i)) waiting += received_[i]->waiting();
  }
  if (std::exchange(delivered_, delivered) != delivered) begin_quiet(now_tsc);
  const bool changed = std::exchange(waiting_, waiting) != waiting;
  if (changed) unread_since_ = now_tsc;
  const std::uint32_t tenth = options_.stop_ms / 10;
  // A loop that had no CPU for a while has taken nothing from its port meanwhile.
  const bool all_turned = std::all_of(loops_.begin(), loops_.end(), [this](const auto& loop) {
    return !turns(loop->id()) || loop->turned_since_mark() >= kQuietTurns;
  });
  // waiting() may say 0 in between: twice in succession it is true.
  return all_turned && is_quiet(now_tsc) &&
         (waiting == 0 ? !changed : now_tsc - unread_since_ >= ticks(tenth));
}

/// By a loop that turns. What the program reads by hand itself was read before, or never will be.
bool Bus::Impl::is_read(std::size_t i) const noexcept {
  return received_on_[i] == RunOn::kHere ? loops_.front()->tasks() > 0 : turns(received_on_[i]);
}

bool Bus::Impl::is_quiet(std::uint64_t now_tsc) const noexcept {
  return now_tsc - quiet_since_ >= ticks(std::min(kQuietMs, options_.stop_ms / 10));
}

/// What is left when no more is waited for. Not where frames come without end: some are always
/// left there.
void Bus::Impl::note_waiting(std::uint64_t now_tsc) {
  left_.assign(received_.size(), 0);
  for (std::size_t i = 0; i < received_.size(); ++i)
    if (is_quiet(now_tsc) && is_read(i)) left_[i] = received_[i]->waiting();
}

void Bus::Impl::begin_quiet(std::uint64_t now_tsc) noexcept {
  quiet_since_ = unread_since_ = now_tsc;
  for (const auto& loop : loops_) loop->mark_turn();
}

bool Bus::Impl::loops_ended() const noexcept {
  return std::all_of(loops_.begin(), loops_.end(),
                     [](const auto& l) { return !l->launched() || l->ended(); });
}

bool Bus::Impl::tasks_ended() noexcept {
  // Those of a worker lcore that was never started can't end.
  return loops_ended() && loops_.front()->tasks() == 0;
}

void Bus::Impl::abandon(std::string_view what, std::uint32_t percent) {
  notes_.push_back(fmt::format("{} after {} ms, which is {} % of the {} ms that a stop may take",
                               what, options_.stop_ms * percent / kAll, percent, options_.stop_ms));
}

/// One step, on the Bus's thread, at most one phase on.
void Bus::Impl::advance(std::uint64_t now_tsc) {
  const auto late = [&](std::uint32_t percent) {
    return now_tsc - stop_began_ >= ticks(options_.stop_ms) * percent / kAll;
  };
  switch (phase()) {
    case BusPhase::kRun:
      stop_began_ = now_tsc;
      for (const auto& loop : loops_) loop->stop_writers();
      return enter(BusPhase::kWriters);
    case BusPhase::kWriters: {
      const bool ended = std::all_of(loops_.begin(), loops_.end(), [this](const auto& l) {
        return !turns(l->id()) || l->writers_ended();
      });
      if (!ended && !late(kWritersUntil)) return;
      if (!ended) abandon("tasks of publications had not ended", kWritersUntil);
      return enter(BusPhase::kDrain);
    }
    case BusPhase::kDrain:
      begin_quiet(now_tsc);
      if (drained()) return enter(BusPhase::kReceive);
      if (!late(kDrainUntil)) return;
      abandon("not all that was written could be sent", kDrainUntil);
      return enter(BusPhase::kDrop);
    case BusPhase::kDrop:
      begin_quiet(now_tsc);
      if (!drained() && !late(kDropUntil)) return;
      return enter(BusPhase::kReceive);
    case BusPhase::kReceive:
      if (!received_.empty() && !received(now_tsc) && !late(kReceiveUntil)) return;
      note_waiting(now_tsc);
      for (const auto& loop : loops_) loop->stop_tasks();
      return enter(BusPhase::kTasks);
    case BusPhase::kTasks:
      if (!tasks_ended() && !late(kTasksUntil)) return;
      if (!tasks_ended()) abandon(fmt::format("tasks on {} had not ended", unended()), kTasksUntil);
      return enter(BusPhase::kOver);
    case BusPhase::kOver:
      if (!loops_ended() && !late(kAll)) return;
      stuck_ = !loops_ended();
      if (stuck_)
        leave();
      else
        close();
      report_.notes = std::move(notes_);
      return enter(BusPhase::kStopped);
    case BusPhase::kStopped:
      return;
  }
}

/// Before its subscriptions are accounted for, and before it is closed.
void Bus::Impl::account_for_port(std::size_t i) {
  const detail::PortUnit& unit = *units_[i];
  Ledger::Row& row =
      report_.ledger.row(fmt::format("port {}: frames received", i), unit.received_frames());
  if (!unit.receiver) return;
  row.out = {{"for subscriptions", unit.receiver->handed_out()}};
  add_drops(row, unit.receiver->drops());
}

void Bus::Impl::account_for_subscription(std::size_t i) {
  detail::Received& received = *received_[i];
  const std::uint64_t in_part = received.frame().left() > 0 ? 1 : 0;
  const std::uint64_t unread = received.drop_all();
  report_.unread_frames += unread;
  const std::uint64_t begun = received.framer().stats().frames;
  if (left_[i] > 0 && unread > 0 && begun > 0)
    notes_.push_back(fmt::format(
        "{}: {} of the frames that came were not read when the stop had to go on; a longer stop_ms "
        "gives their reader more time",
        received_from_[i], unread));
  Ledger::Row& row =
      report_.ledger.row(received_from_[i] + ": frames", received.delivered() + received.behind());
  const std::uint64_t others = received.other_sessions();
  row.out = {{"read", received.framer().stats().frames - others - in_part},
             {"of other sessions", others},
             {"behind", received.behind()},
             {"unread", unread}};
  add_drops(row, received.framer().drops());
}

void Bus::Impl::end_session(std::size_t i) {
  if (!sendings_[i]->end())
    notes_.emplace_back(
        "a Reservation was never settled: its writer keeps the frame that it is in");
  const detail::Sending::Frames frames = sendings_[i]->frames();
  report_.dropped_messages += sendings_[i]->stats().dropped_messages;
  report_.ledger.row(sessions_[i].about + ": frames written", frames.written).out = {
      {"sent", frames.sent}, {"dropped", frames.dropped}};
}

/// An lcore may use any of it still. Its pools are counted all the same: a moment's figure.
void Bus::Impl::leave() {
  notes_.push_back(fmt::format(
      "{} is in a task or a poller that does not return: all that the bus has is left as it is",
      unended()));
  count_pools();
}

/// When no lcore uses any of it any more.
void Bus::Impl::close() {
  for (const auto& loop : loops_) loop->join();  // another Bus may start them at once
  drop_unbegun_tasks();
  for (const auto& loop : loops_) try {
      loop->rethrow();
    } catch (...) {
      keep(std::current_exception());
    }
  loops_.front()->send_rest();
  by_hand_.clear();
  for (std::size_t i = 0; i < sendings_.size(); ++i) end_session(i);
  for (std::size_t i = 0; i < units_.size(); ++i) account_for_port(i);
  for (std::size_t i = 0; i < received_.size(); ++i) account_for_subscription(i);
  for (const auto& unit : units_) unit->close();
  BufferPool::empty_caches();
  count_pools();
  // A task that didn't end keeps what it has: its loop can't go.
  for (auto& loop : loops_)
    if (loop->tasks() > 0) (void)loop.release();
  std::erase(loops_, nullptr);
}

void Bus::Impl::drop_unbegun_tasks() {
  for (const auto& loop : loops_)
    if (loop->id() != RunOn::kHere && !loop->launched())
      if (const std::size_t tasks = loop->drop_tasks(); tasks > 0)
        notes_.push_back(fmt::format("{} {} of lcore {} never began: start() was not called", tasks,
                                     tasks == 1 ? "task" : "tasks", loop->id()));
}

void Bus::Impl::count_pools() {
  for (const auto& unit : units_)
    for (const BufferPool* pool : unit->pools())
      report_.pools.push_back({pool->name(), pool->size(), pool->in_use()});
}

/// The loops that haven't ended: "lcore 1", "lcores 1, 2"; those by hand are named as such.
std::string Bus::Impl::unended() const {
  std::vector<std::string> all;
  for (const auto& loop : loops_)
    if (loop->id() == RunOn::kHere ? loop->tasks() > 0 : loop->launched() && !loop->ended())
      all.push_back(lcore_text(loop->id()));
  return fmt::format("{}", fmt::join(all, ", "));
}

void Bus::Impl::stop() {
  // First: turning_ is this thread's.
  if (!is_on_its_thread())
    throw Error(
        "stopping a Bus on another thread than the one that made it: call begin_stop(), also in a "
        "task or a poller on a worker lcore");
  if (turning_)
    throw Error("stopping a Bus in its own turn: call begin_stop() in a task or a poller");
  end();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Bus::Impl::end() {
  if (!is_stopped()) {
    begin_stop();
    const std::uint64_t began = rte_rdtsc();
    const std::uint64_t base = options_.clock == BusClock::kCaller ? turned_at_ : began;
    while (!is_stopped()) {
      std::exception_ptr thrown;
      const unsigned work = step(base + (rte_rdtsc() - began), thrown);
      keep(std::move(thrown));
      if (work == 0) rte_delay_us_sleep(20);
    }
  }
}

}  // namespace bab
