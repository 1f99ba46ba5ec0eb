#include "port_events.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "report_text.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

/// A link that goes up and down for ever must not fill the memory.
constexpr std::size_t kMaxEvents = 1000;

std::string port_name(const bab::Port& port) {
  return fmt::format("port {} ({}, {})", port.id(), port.name(), port.driver());
}

}  // namespace

void PortEvents::begin() {
  events_.clear();
  more_ = 0;
  reset_.clear();
}

void PortEvents::look(const Say& say, std::optional<double> seconds) {
  const auto now = bab::PortWatch::Clock::now();
  for (std::size_t i = 0; i < wiring_.ports(); ++i)
    while (const auto event = wiring_.watch(i).poll(now)) {
      const bab::Port& port = wiring_.port(i);
      const EventSummary e{seconds.value_or(0), port.id(), bab::port_change_name(event->change),
                           event->doubtful_frames};
      if (event->change == bab::PortChange::kRemoved && removed_.empty())
        removed_ = fmt::format("{} was removed", port_name(port));
      if (event->change == bab::PortChange::kResetWanted) {
        if (std::find(to_reset_.begin(), to_reset_.end(), i) == to_reset_.end())
          to_reset_.push_back(i);
        reset_ =
            fmt::format("{}: its driver asked for a reset, which ended the run", port_name(port));
      }
      say(seconds ? event_text(e) + "\n"
                  : fmt::format("{}: {}\n", port_name(port), bab::port_change_name(event->change)));
      if (!seconds) continue;
      if (events_.size() < kMaxEvents)
        events_.push_back(e);
      else
        ++more_;
    }
}

bool PortEvents::a_link_is_down() const {
  for (std::size_t i = 0; i < wiring_.ports(); ++i)
    if (wiring_.watch(i).link_is_down() || wiring_.watch(i).removed()) return true;
  return false;
}

void PortEvents::reset_ports(const Say& say) {
  for (std::size_t i : std::exchange(to_reset_, {})) {
    bab::Port& port = wiring_.port(i);
    const bool was_started = port.started();
    try {
      wiring_.stop(i);
      port.reset();
      if (was_started) wiring_.start(i);
    } catch (const std::exception& e) {  // bab::Error; std::bad_alloc
      not_reset_[i] =
          fmt::format("{} asked for a reset, which failed: {}", port_name(port), e.what());
      say(not_reset_[i] + "\n");
      continue;
    }
    not_reset_.erase(i);
    say(fmt::format("{}: reset{}\n", port_name(port),
                    was_started ? " and started again" : "; it is stopped, as it was"));
  }
}

std::string PortEvents::end_fault() const {
  if (!removed_.empty() || not_reset_.empty()) return removed_;
  return not_reset_.begin()->second;
}

void PortEvents::sum_up(Summary& summary) const {
  summary.events = events_;
  summary.more_events = more_;
  summary.port_fault = removed_.empty() ? reset_ : removed_;
}

}  // namespace testbab
