#include "latency.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace testbab {

Latency latency_of(const Histogram& recorded, double hz) {
  const Histogram ticks = recorded;
  const auto ns = [&](double t) { return static_cast<std::uint64_t>(std::llround(t * 1e9 / hz)); };
  const auto part = [&](double p) { return ns(static_cast<double>(ticks.percentile(p))); };
  Latency l;
  l.count = ticks.count();
  l.min_ns = ns(static_cast<double>(ticks.min()));
  l.mean_ns = ns(ticks.mean());
  l.max_ns = ns(static_cast<double>(ticks.max()));
  l.p50_ns = part(0.5);
  l.p90_ns = part(0.9);
  l.p99_ns = part(0.99);
  l.p999_ns = part(0.999);
  std::uint64_t below = 0;
  for (std::uint64_t decade = 1; below < l.count; decade *= 10)
    for (const std::uint64_t step : {1, 2, 5}) {
      const double upto = static_cast<double>(decade * step);
      const std::uint64_t to = ticks.count_to(static_cast<std::uint64_t>(upto * hz / 1e9));
      if (to > below) l.bars.push_back({decade * step, to - below});
      // Empty steps between others are shown; those before the first and after the last aren't.
      else if (!l.bars.empty() && below < l.count)
        l.bars.push_back({decade * step, 0});
      below = to;
    }
  return l;
}

std::string duration_text(double ns) {
  constexpr std::array kUnits{"ns", "µs", "ms", "s"};
  std::size_t i = 0;
  for (; ns >= 999.5 && i + 1 < kUnits.size(); ++i) ns /= 1000;
  const int digits = i == 0 || ns >= 99.95 ? 0 : ns >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", ns, digits, kUnits[i]);
}

std::string latency_text(const Latency& l) {
  const auto time = [](std::uint64_t ns) { return duration_text(static_cast<double>(ns)); };
  std::string t = fmt::format("  round trips: {}; late {}, lost {}, given up {}\n", l.count, l.late,
                              l.lost, l.given_up);
  if (l.count == 0) return t;
  t += fmt::format("  p50 {}, p90 {}, p99 {}, p99.9 {}, max {} (min {}, mean {})\n", time(l.p50_ns),
                   time(l.p90_ns), time(l.p99_ns), time(l.p999_ns), time(l.max_ns), time(l.min_ns),
                   time(l.mean_ns));
  constexpr double kWidth = 40;
  std::uint64_t most = 0;
  for (const Latency::Bar& bar : l.bars) most = std::max(most, bar.count);
  for (const Latency::Bar& bar : l.bars) {
    const double share = static_cast<double>(bar.count) / static_cast<double>(most);
    const auto length = static_cast<std::size_t>(std::ceil(kWidth * share));
    t += fmt::format("  ≤ {:>7} {:<40} {:>9} ({:.3g} %)\n", time(bar.upto_ns),
                     std::string(length, '#'), bar.count,
                     100 * static_cast<double>(bar.count) / static_cast<double>(l.count));
  }
  return t;
}

}  // namespace testbab
