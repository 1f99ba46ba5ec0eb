// What a Bus does to publish and to subscribe: all is checked, then made, and then becomes part of
// it.
#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_args.hpp>

#include "bus_impl.hpp"
#include "checks.hpp"

namespace bab {
namespace {

constexpr const char* kAskedFor = "asked for";

/// Bytes as text; sessions that came from a name have nothing else.
std::string session_text(const wire::Session& session) {
  std::string text(session.begin(), session.end());
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

std::string Bus::Impl::lcore_text(unsigned id) const {
  return id == RunOn::kHere ? "the thread that made the bus" : fmt::format("lcore {}", id);
}

detail::BusHand* Bus::Impl::hand_for(unsigned lcore) noexcept {
  return lcore == RunOn::kHere ? this : nullptr;
}

detail::PortUnit& Bus::Impl::checked_unit(const std::string& what, std::uint32_t port) {
  if (stop_wanted_) throw Error(fmt::format("{}: the bus was stopped; make another one", what));
  if (port >= units_.size())
    throw Error(fmt::format("{}: there is no port {}; the bus has {}, counted from 0", what, port,
                            units_.size()));
  return *units_[port];
}

std::vector<unsigned> Bus::Impl::free_workers() const {
  std::vector<unsigned> all;
  std::copy_if(workers_.begin(), workers_.end(), std::back_inserter(all),
               [this](unsigned lcore) { return !claims_.is_anothers(lcore); });
  return all;
}

detail::BusLoop* Bus::Impl::find_loop(unsigned lcore) const noexcept {
  for (const auto& loop : loops_)
    if (loop->id() == lcore) return loop.get();
  return nullptr;
}

/// Pollers, readers and what is placed already: each needs a share of its lcore.
std::size_t Bus::Impl::load_of(unsigned lcore, std::span<const Choice> beside) const {
  const detail::BusLoop* const loop = find_loop(lcore);
  return (loop != nullptr ? loop->pollers() : 0) +
         static_cast<std::size_t>(std::count(received_on_.begin(), received_on_.end(), lcore)) +
         static_cast<std::size_t>(
             std::count_if(beside.begin(), beside.end(),
                           [lcore](const Choice& each) { return each.lcore == lcore; }));
}

Bus::Impl::Choice Bus::Impl::choose(const std::string& what, unsigned lcore,
                                    std::span<const Choice> beside, const Choice* with) const {
  const auto as_it_is = [&](unsigned id, std::string why) {
    if (id == RunOn::kHere) return Choice{id, std::move(why)};
    if (const detail::BusLoop* loop = find_loop(id); loop != nullptr && loop->launched())
      throw Error(fmt::format("{}: lcore {} runs already; do it before start()", what, id));
    if (started_)
      throw Error(
          fmt::format("{}: start() did not start lcore {}; do it before start()", what, id));
    if (claims_.is_anothers(id))
      throw Error(fmt::format(
          "lcore {} is another Bus's of this process; stop that one, or name another lcore", id));
    return Choice{id, std::move(why)};
  };
  if (lcore == RunOn::kHere) return as_it_is(lcore, kAskedFor);
  if (lcore == RunOn::kWithIt) {
    if (with != nullptr) return as_it_is(with->lcore, with->why);
    throw Error(
        fmt::format("{}: lcore is RunOn::kWithIt, which only flusher_lcore and rx_lcore can be; "
                    "name a worker lcore, RunOn::kWorker or RunOn::kHere",
                    what));
  }
  if (lcore == RunOn::kWorker) {
    const std::vector<unsigned> workers = free_workers();
    if (workers.empty())
      throw Error(fmt::format(
          "{}: no worker lcore is free for it; give EAL more ({} or beyond), stop another Bus, or "
          "place it with RunOn::kHere",
          what, detail::lcores_for_workers(std::max<std::size_t>(workers_.size() + 1, 1))));
    std::vector<LcoreLoad> loads;
    for (const unsigned id : workers) loads.push_back({id, load_of(id, beside)});
    const Placed best = plan_placement(loads, 1).front();
    return as_it_is(best.lcore, best.why);
  }
  if (std::find(workers_.begin(), workers_.end(), lcore) == workers_.end())
    throw Error(
        fmt::format("{}: lcore {} is none of the bus's workers ({}); name one of those, or "
                    "RunOn::kHere",
                    what, lcore, fmt::join(workers_, ", ")));
  return as_it_is(lcore, kAskedFor);
}

detail::BusLoop& Bus::Impl::make_loop(unsigned lcore) {
  if (detail::BusLoop* loop = find_loop(lcore)) return *loop;
  if (!claims_.claim(lcore))  // since choose() looked
    throw Error(fmt::format(
        "lcore {} is another Bus's of this process; stop that one, or name another lcore", lcore));
  return *loops_.emplace_back(std::make_unique<detail::BusLoop>(lcore, options_.idle, phase_));
}

unsigned Bus::Impl::choose_queue(const std::string& what, detail::PortUnit& unit,
                                 std::optional<std::uint16_t> asked, unsigned loop) const {
  if (asked) {
    if (*asked >= unit.tx_queues())
      throw Error(fmt::format("{}: tx_queue is {}, and {} has {}, counted from 0", what, *asked,
                              unit.label(), unit.tx_queues()));
    if (const auto& owner = unit.tx_owner(*asked); owner && *owner != loop)
      throw Error(fmt::format(
          "{}: TX queue {} of {} is sent on by {} already, and one queue has one lcore; name "
          "another queue, or place the flusher there",
          what, *asked, unit.label(), lcore_text(*owner)));
    return *asked;
  }
  for (const bool mine : {true, false})
    for (unsigned q = 0; q < unit.tx_queues(); ++q)
      if (const auto& owner = unit.tx_owner(q); mine ? owner == loop : !owner) return q;
  throw Error(fmt::format(
      "{}: other lcores send on all {} TX queues of {}; raise its tx_queues, or place the flusher "
      "on {}",
      what, unit.tx_queues(), unit.label(), lcore_text(*unit.tx_owner(0))));
}

void Bus::Impl::require_new(const Publishing& p, const Endpoint& to, std::size_t port) const {
  for (const Session& s : sessions_)
    if (s.port == port && s.to == to && s.name == p.header.session)
      throw Error(fmt::format(
          "{}: it is published already, and two writers of one session need one numbering; publish "
          "for several lcores at once, or give it another name",
          p.about));
}

Bus::Impl::Publishing Bus::Impl::prepare(const PublishOptions& options,
                                         std::span<const unsigned> lcores) {
  const std::string what = fmt::format("publishing to {}", options.to);
  detail::PortUnit& unit = checked_unit(what, options.port);
  Publishing p{};
  p.unit = &unit;
  p.what = what;
  p.header = detail::header_of(what, options, unit.is_ring());
  const Endpoint to{p.header.destination_ip, p.header.destination_port};
  p.about = fmt::format("session {} to {}, port {}", session_text(p.header.session),
                        endpoint_text(to), options.port);
  require_new(p, to, options.port);
  p.writer.flush = detail::flush_of(what, options);
  if (lcores.empty())
    throw Error(fmt::format("{}: no lcore is named; name those that write", what));
  const std::size_t writers = unit.writers + lcores.size();
  if (writers > unit.options().writers)
    throw Error(
        fmt::format("{}: {} writers would be on {}, whose pool is made for {}; raise its writers",
                    what, writers, unit.label(), unit.options().writers));
  for (const unsigned lcore : lcores) p.writers.push_back(choose(what, lcore, p.writers));
  const Choice with_writer{p.writers.front().lcore, "with its writer"};
  p.flusher = choose(what, options.flusher_lcore, p.writers, &with_writer);
  p.queue = choose_queue(what, unit, options.tx_queue, p.flusher.lcore);
  unit.complete(p.header);
  return p;
}

template <class Writer>
BasicPublication<Writer> Bus::Impl::add_end(const Choice& where, detail::Sending& sending,
                                            std::unique_ptr<detail::WritingEndOf<Writer>> end) {
  detail::WritingEndOf<Writer>& it = *end;
  sending.add(std::move(end));
  return {it.writer(), sending, hand_for(where.lcore), where.lcore};
}

/// Nothing throws here but for want of memory, or where another thread's Bus took an lcore just
/// now.
void Bus::Impl::begin(const Publishing& p, std::unique_ptr<detail::Sending> sending,
                      std::size_t port) {
  for (const Choice& each : p.writers) (void)make_loop(each.lcore);
  detail::BusLoop& flushing = make_loop(p.flusher.lcore);
  Session& session = sessions_.emplace_back();
  session = {
      port, {p.header.destination_ip, p.header.destination_port}, p.header.session, p.about, {}};
  for (std::size_t i = 0; i < p.writers.size(); ++i) {
    detail::BusLoop& loop = make_loop(p.writers[i].lcore);
    detail::WritingEnd& end = *sending->ends()[i];
    end.poll_in(loop);
    if (loop.id() == RunOn::kHere) by_hand_.push_back(&end);
    session.loops.push_back(loop.id());
    rows_.push_back({loop.id(), "writer of " + p.about, p.writers[i].why});
  }
  // Behind its writers: what they hand over goes in the same turn.
  flushing.send_by(*sending);
  session.loops.push_back(flushing.id());
  rows_.push_back(
      {flushing.id(), fmt::format("flusher of {}, TX queue {}", p.about, p.queue), p.flusher.why});
  p.unit->tx_owner(p.queue) = flushing.id();
  p.unit->writers += static_cast<std::uint32_t>(p.writers.size());
  sendings_.push_back(std::move(sending));
}

Publication Bus::Impl::publish(const PublishOptions& options) {
  const unsigned lcore = options.lcore;
  Publishing p = prepare(options, std::span(&lcore, 1));
  const wire::FrameHeader header(p.header);
  auto sending = std::make_unique<detail::Sending>(p.unit->tx(p.queue), header, phase_);
  p.writer.payload_capacity = wire::FrameHeader::payload_capacity(p.unit->mtu());
  p.writer.header_size = header.size();
  BufferPool& pool = p.unit->tx_pool();
  const Publication out = add_end(
      p.writers.front(), *sending,
      std::make_unique<detail::WritingEndOf<LocalWriter>>(pool.size(), phase_, pool, p.writer));
  begin(p, std::move(sending), options.port);
  return out;
}

std::vector<SharedPublication> Bus::Impl::publish(const PublishOptions& options,
                                                  std::span<const unsigned> lcores) {
  Publishing p = prepare(options, lcores);
  const wire::FrameHeader header(p.header);
  auto sending = std::make_unique<detail::Sending>(p.unit->tx(p.queue), header, phase_);
  p.writer.payload_capacity =
      std::min(wire::FrameHeader::payload_capacity(p.unit->mtu()), SharedWriter::kMaxPayload);
  p.writer.header_size = header.size();
  BufferPool& pool = p.unit->tx_pool();
  sending->shared() = std::make_unique<SharedWriter>(pool, p.writer);
  std::vector<SharedPublication> outs;
  for (const Choice& choice : p.writers)
    outs.push_back(add_end(choice, *sending,
                           std::make_unique<detail::WritingEndOf<SharedWriter::Producer>>(
                               pool.size(), phase_, *sending->shared())));
  begin(p, std::move(sending), options.port);
  return outs;
}

Bus::Impl::Choice Bus::Impl::choose_poller(const std::string& what, const detail::PortUnit& unit,
                                           unsigned asked, const Choice& reader) const {
  const std::span<const Choice> beside(&reader, 1);
  const Choice with_reader{reader.lcore, "with the port's first subscription"};
  if (!unit.receiver) return choose(what, asked, beside, &with_reader);
  const unsigned there = *unit.polled_by;
  if (asked != RunOn::kWithIt && asked != there)
    throw Error(
        fmt::format("{}: {} is polled by {} already; give rx_lcore to its first subscription", what,
                    unit.label(), lcore_text(there)));
  return choose(what, there, beside);
}

Subscription Bus::Impl::subscribe(const SubscribeOptions& options) {
  const std::string what = fmt::format("subscribing to {}", options.from);
  detail::PortUnit& unit = checked_unit(what, options.port);
  const Endpoint from = parse_endpoint(fmt::format("{}: from", what), options.from);
  detail::check_vlan(what, options.vlan);
  std::optional<wire::Session> session;
  if (!options.session.empty()) session = detail::session_of(what, options.session);
  const std::uint32_t left = unit.options().backlog - unit.backlog;
  if (options.backlog == 0 || options.backlog > left)
    throw Error(fmt::format(
        "{}: a backlog of {} frames is asked for, and of the {} of {} there are {} left; ask for "
        "fewer (1 at least), or raise the port's backlog",
        what, options.backlog, unit.options().backlog, unit.label(), left));
  if (unit.subscriptions == detail::PortUnit::kMaxSubscriptions)
    throw Error(
        fmt::format("{}: {} has {} subscriptions already, which are the most; take another port",
                    what, unit.label(), unit.subscriptions));
  if (unit.receiver && unit.receiver->has(from, options.vlan))
    throw Error(fmt::format(
        "{}: this Bus subscribes to it on port {} already, and each frame has one reader; read it "
        "there",
        what, options.port));
  const Choice reader = choose(what, options.lcore, {});
  const Choice poller = choose_poller(what, unit, options.rx_lcore, reader);
  auto received = std::make_unique<detail::Received>(unit.framer_options(), session,
                                                     options.backlog, hand_for(reader.lcore));
  (void)make_loop(reader.lcore);
  detail::BusLoop& polling = make_loop(poller.lcore);
  if (!unit.receiver) {
    unit.receiver = std::make_unique<detail::Receiver>(unit.rx_queues());
    unit.polled_by = polling.id();
    polling.receive_by(*unit.receiver);
    rows_.push_back({polling.id(),
                     fmt::format("RX poller of port {}, which has {} queues", options.port,
                                 unit.rx_queues().size()),
                     poller.why});
  }
  const std::string about = fmt::format("{}, port {}", options.from, options.port);
  rows_.push_back({reader.lcore, "reader of " + about, reader.why});
  unit.receiver->add(from, options.vlan, *received);
  unit.backlog += options.backlog;
  ++unit.subscriptions;
  received_on_.push_back(reader.lcore);
  received_from_.push_back(about);
  received_.push_back(std::move(received));
  return Subscription(*received_.back(), reader.lcore);
}

}  // namespace bab
