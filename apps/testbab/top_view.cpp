#include "top_view.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "report_text.hpp"

namespace testbab {
namespace {

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

/// "[#####.....]" of `width` characters inside.
std::string bar(double share, std::size_t width) {
  const auto full =
      static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width) + 0.5);
  return fmt::format("[{:#<{}}{:.<{}}]", "", full, "", width - full);
}

/// Rates as characters of eight heights, the newest at the right.
std::string history(const std::deque<double>& rates) {
  constexpr std::string_view kHeights = " .:-=+*#";
  const double most = rates.empty() ? 0 : *std::max_element(rates.begin(), rates.end());
  std::string text;
  for (double r : rates)
    text += kHeights[static_cast<std::size_t>(
        ratio(r, most) * static_cast<double>(kHeights.size() - 1) + 0.5)];
  return text;
}

void remember(std::deque<double>& rates, double rate, std::size_t most) {
  rates.push_back(rate);
  if (rates.size() > most) rates.pop_front();
}

}  // namespace

void TopView::take(TopSample sample) {
  const bool new_run = sample.seconds < now_.seconds;
  before_ = new_run ? TopSample{} : std::move(now_);
  now_ = std::move(sample);
  if (new_run) {
    base_ = {};
    sent_rates_.clear();
    received_rates_.clear();
  }
  const auto rate = [&](std::uint64_t a, std::uint64_t b) {
    return ratio(static_cast<double>(a - b), period());
  };
  remember(sent_rates_, rate(now_.sent.messages, before_.sent.messages), kHistory);
  remember(received_rates_, rate(now_.received.messages, before_.received.messages), kHistory);
}

void TopView::clear() {
  base_ = now_;
  sent_rates_.clear();
  received_rates_.clear();
}

double TopView::period() const { return now_.seconds - before_.seconds; }

std::string TopView::head() const {
  constexpr std::array<std::string_view, kPages> kNames{"bus", "ports", "levels", "drops"};
  std::string pages;
  for (std::size_t i = 0; i < kPages; ++i)
    pages += i == static_cast<std::size_t>(page_) ? fmt::format(" [{} {}]", i + 1, kNames[i])
                                                  : fmt::format("  {} {} ", i + 1, kNames[i]);
  const auto s = static_cast<unsigned>(now_.seconds);
  return fmt::format("testbab {}  {}:{:02}:{:02} {}", title_, s / 3600, s / 60 % 60, s % 60, pages);
}

void TopView::add_bus(std::vector<std::string>& lines, std::size_t width) const {
  lines.push_back("              messages/s      bit/s   frames/s  msg/frame         messages");
  const auto side = [&](const char* name, const TopSample::Side& now, const TopSample::Side& was,
                        const TopSample::Side& base) {
    const double t = period();
    const auto messages = static_cast<double>(now.messages - was.messages);
    const auto frames = static_cast<double>(now.frames - was.frames);
    lines.push_back(fmt::format(
        "{:<10} {:>13} {:>10} {:>10} {:>10.1f} {:>16}", name, with_prefix(ratio(messages, t)),
        with_prefix(ratio(static_cast<double>(now.bytes - was.bytes) * 8, t)),
        with_prefix(ratio(frames, t)), ratio(messages, frames), now.messages - base.messages));
  };
  side("sent", now_.sent, before_.sent, base_.sent);
  lines.push_back(fmt::format("           |{:>{}}|", history(sent_rates_), kHistory));
  side("received", now_.received, before_.received, base_.received);
  lines.push_back(fmt::format("           |{:>{}}|", history(received_rates_), kHistory));
  add_latency(lines);
  add_capture(lines);
  add_lcores(lines, width);
  add_levels(lines, width);
  add_drops(lines, false);
}

void TopView::add_ports(std::vector<std::string>& lines) const {
  const double t = period();
  for (const TopSample::Port& p : now_.ports) {
    const auto find = [&](const TopSample& s) {
      const auto it = std::find_if(s.ports.begin(), s.ports.end(),
                                   [&](const TopSample::Port& q) { return q.id == p.id; });
      return it == s.ports.end() ? TopSample::Port{} : *it;
    };
    const TopSample::Port was = find(before_), base = find(base_);
    const auto rate = [&](std::uint64_t a, std::uint64_t b) {
      return with_prefix(ratio(static_cast<double>(a - std::min(a, b)), t));
    };
    lines.push_back(
        fmt::format("port {} ({}){}{}", p.id, p.name, p.link.empty() ? "" : ", ", p.link));
    lines.push_back(fmt::format(
        "  RX {:>8} frames/s {:>8}bit/s {:>16} frames", rate(p.rx_frames, was.rx_frames),
        rate(8 * p.rx_bytes, 8 * was.rx_bytes), p.rx_frames - base.rx_frames));
    lines.push_back(fmt::format(
        "  TX {:>8} frames/s {:>8}bit/s {:>16} frames", rate(p.tx_frames, was.tx_frames),
        rate(8 * p.tx_bytes, 8 * was.tx_bytes), p.tx_frames - base.tx_frames));
    lines.push_back(fmt::format("  RX-missed: {} (+{})  RX-nombuf: {} (+{})  errors: {} (+{})",
                                p.missed - base.missed, p.missed - was.missed,
                                p.nombuf - base.nombuf, p.nombuf - was.nombuf,
                                p.errors - base.errors, p.errors - was.errors));
  }
}

void TopView::add_latency(std::vector<std::string>& lines) const {
  if (!now_.latency || now_.latency->count == 0) return;
  const Latency& l = *now_.latency;
  const auto d = [](std::uint64_t ns) {
    const std::string text = duration_text(static_cast<double>(ns));
    const std::size_t micro = text.find("\u00b5");
    if (micro == std::string::npos) return text;
    return fmt::format("{}us", text.substr(0, micro));  // for terminals of any locale
  };
  lines.push_back(fmt::format("rtt        p50 {}  p90 {}  p99 {}  p99.9 {}  max {}  lost {}",
                              d(l.p50_ns), d(l.p90_ns), d(l.p99_ns), d(l.p999_ns), d(l.max_ns),
                              l.lost));
}

void TopView::add_capture(std::vector<std::string>& lines) const {
  if (!now_.capture) return;
  const TopSample::Capture now = *now_.capture;
  TopSample::Capture was = before_.capture.value_or(TopSample::Capture{});
  if (now.written < was.written || now.missed < was.missed) was = {};  // another capture has begun
  lines.push_back(
      fmt::format("capture    {:>8} frames/s {:>16} in the file  missed: {} (+{})",
                  with_prefix(ratio(static_cast<double>(now.written - was.written), period())),
                  now.written, now.missed, now.missed - was.missed));
}

void TopView::add_lcores(std::vector<std::string>& lines, std::size_t width) const {
  for (const TopSample::Lcore& l : now_.lcores) {
    std::uint64_t busy = l.busy, idle = l.idle;
    for (const TopSample::Lcore& was : before_.lcores)
      if (was.id == l.id) {
        busy -= std::min(was.busy, busy);
        idle -= std::min(was.idle, idle);
      }
    const double share = ratio(static_cast<double>(busy), static_cast<double>(busy + idle));
    const std::string line = fmt::format("lcore {:<3}  {} {:>3.0f} % busy  {}", l.id,
                                         bar(share, 30), 100 * share, l.what);
    lines.push_back(line.substr(0, width));
  }
}

void TopView::add_levels(std::vector<std::string>& lines, std::size_t width) const {
  for (const TopSample::Level& l : now_.levels) {
    const double share = ratio(static_cast<double>(l.used), static_cast<double>(l.of));
    lines.push_back(
        fmt::format("{:<10} {} {} of {}", l.name, bar(share, 30), l.used, l.of).substr(0, width));
  }
}

void TopView::add_drops(std::vector<std::string>& lines, bool all) const {
  bool any = false;
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    const std::uint64_t total = now_.drops[i] - base_.drops[i];
    if (total == 0 && !all) continue;
    any = true;
    const std::uint64_t fresh = now_.drops[i] - before_.drops[i];
    lines.push_back(fmt::format("dropped    {:<18} {:>14}{}", bab::drop_name(reason), total,
                                fresh > 0 ? fmt::format("  +{}", fresh) : ""));
  }
  if (!any) lines.push_back("dropped    nothing");
}

std::vector<std::string> TopView::lines(std::size_t width, std::size_t height) const {
  std::vector<std::string> all{head(), ""};
  switch (page_) {
    case Page::kBus:
      add_bus(all, width);
      break;
    case Page::kPorts:
      add_ports(all);
      break;
    case Page::kLevels:
      add_lcores(all, width);
      add_levels(all, width);
      break;
    case Page::kDrops:
      add_drops(all, true);
      break;
  }
  const std::string keys = "v or 1-4 view   c clear   q quit";
  if (height >= 2 && all.size() > height - 1) all.erase(all.begin() + 1);  // the empty line
  if (height >= 2 && all.size() > height - 1) {
    const std::size_t left = all.size() - (height - 2);
    all.resize(height - 2);
    all.push_back(fmt::format("... and {} lines more: a larger terminal shows them", left));
  }
  all.push_back(keys);
  if (all.size() > height) all.resize(height);
  for (std::string& line : all) line.resize(std::min(line.size(), width));
  return all;
}

}  // namespace testbab
