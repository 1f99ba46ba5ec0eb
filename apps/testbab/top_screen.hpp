#pragma once

#include <memory>
#include <string>
#include <vector>

struct screen;  // ncurses' SCREEN

namespace testbab {

/// A terminal whose whole screen is drawn on. Only one at a time, on the main thread.
class TopScreen {
 public:
  /// Null if standard input or output is no terminal, or one that ncurses can't draw on.
  static std::unique_ptr<TopScreen> open();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;
  /// Restores the terminal.
  ~TopScreen();

  [[nodiscard]] std::size_t width() const noexcept;
  [[nodiscard]] std::size_t height() const noexcept;
  void show(const std::vector<std::string>& lines) noexcept;
  /// The next key, or 0. A change of the size counts as a key (kResized). Doesn't wait.
  [[nodiscard]] int key() noexcept;
  static constexpr int kResized = -1;

 private:
  explicit TopScreen(screen* s) noexcept : screen_(s) {}
  screen* screen_;
};

}  // namespace testbab
