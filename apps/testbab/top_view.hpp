#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <bab/base/drops.hpp>

#include "latency.hpp"

namespace testbab {

/// The figures at one moment of a run. Counters only grow.
struct TopSample {
  double seconds = 0;  ///< since the run began
  struct Side {
    std::uint64_t messages = 0, bytes = 0, frames = 0;
  };
  Side sent, received;
  std::array<std::uint64_t, bab::kDrops> drops{};
  struct Level {
    std::string name;  ///< "pool tx_0"
    std::uint64_t used, of;
  };
  std::vector<Level> levels;  ///< pools, then rings
  struct Lcore {
    unsigned id;
    int cpu;                   ///< -1: it floats
    std::uint64_t busy, idle;  ///< cycles
    std::string what;
  };
  std::vector<Lcore> lcores;
  struct Port {
    std::uint16_t id;
    std::string name;
    std::uint64_t rx_frames, tx_frames, rx_bytes, tx_bytes, missed, nombuf, errors;
    std::string link{};  ///< "link up, 2 changes"
  };
  std::vector<Port> ports;
  std::optional<Latency> latency;  ///< where the engine measures it
  struct Capture {
    std::uint64_t written = 0, missed = 0;  ///< frames; `missed` has the failed ones, too
  };
  std::optional<Capture> capture;  ///< while there is one
};

/// The pages of a live view as lines of text: figures since the last look, and since clear(). It
/// knows no terminal.
class TopView {
 public:
  enum class Page : std::uint8_t { kBus, kPorts, kLevels, kDrops };
  static constexpr std::size_t kPages = 4;

  explicit TopView(std::string title) : title_(std::move(title)) {}

  /// Adds a look. To be called once a second or so.
  void take(TopSample sample);
  /// Totals begin at 0 again.
  void clear();
  void turn_to(Page page) noexcept { page_ = page; }
  void turn_over() noexcept {
    page_ = static_cast<Page>((static_cast<std::size_t>(page_) + 1) % kPages);
  }
  [[nodiscard]] Page page() const noexcept { return page_; }

  /// At most `height` lines of at most `width` ASCII characters; 80×24 shows all that matters.
  [[nodiscard]] std::vector<std::string> lines(std::size_t width, std::size_t height) const;

 private:
  [[nodiscard]] double period() const;
  [[nodiscard]] std::string head() const;
  void add_bus(std::vector<std::string>& lines, std::size_t width) const;
  void add_ports(std::vector<std::string>& lines) const;
  void add_levels(std::vector<std::string>& lines, std::size_t width) const;
  void add_lcores(std::vector<std::string>& lines, std::size_t width) const;
  void add_latency(std::vector<std::string>& lines) const;
  void add_capture(std::vector<std::string>& lines) const;
  /// `all`: also reasons whose count is 0.
  void add_drops(std::vector<std::string>& lines, bool all) const;

  static constexpr std::size_t kHistory = 60;  // looks whose rates are kept

  std::string title_;
  Page page_ = Page::kBus;
  TopSample base_, before_, now_;
  std::deque<double> sent_rates_, received_rates_;
};

}  // namespace testbab
