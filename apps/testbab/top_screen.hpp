#pragma once

#include <memory>
#include <string>
#include <vector>

struct screen;  // ncurses' SCREEN

namespace testbab {

/// A terminal that is drawn on as a whole. One at a time, on the main thread.
class TopScreen {
 public:
  /// Null where standard input or output is no terminal, or one that ncurses can't draw on.
  static std::unique_ptr<TopScreen> open();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;
  /// The terminal is as it was.
  ~TopScreen();

  [[nodiscard]] std::size_t width() const noexcept;
  [[nodiscard]] std::size_t height() const noexcept;
  void show(const std::vector<std::string>& lines) noexcept;
  /// The next key, or 0; a new size is one, too (kResized). Doesn't wait.
  [[nodiscard]] int key() noexcept;
  static constexpr int kResized = -1;

 private:
  explicit TopScreen(screen* s) noexcept : screen_(s) {}
  screen* screen_;
};

}  // namespace testbab
