#include "top_screen.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <curses.h>

namespace testbab {

std::unique_ptr<TopScreen> TopScreen::open() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return nullptr;
  // initscr() would end the program if it doesn't know TERM's terminal.
  SCREEN* s = newterm(nullptr, stdout, stdin);
  if (s == nullptr) return nullptr;
  std::unique_ptr<TopScreen> opened(new TopScreen(s));
  cbreak();  // keys at once; Ctrl-C stays a signal
  noecho();
  nodelay(stdscr, TRUE);
  keypad(stdscr, TRUE);
  curs_set(0);
  return opened;
}

TopScreen::~TopScreen() {
  endwin();
  delscreen(screen_);
}

std::size_t TopScreen::width() const noexcept { return static_cast<std::size_t>(getmaxx(stdscr)); }

std::size_t TopScreen::height() const noexcept { return static_cast<std::size_t>(getmaxy(stdscr)); }

void TopScreen::show(const std::vector<std::string>& lines) noexcept {
  erase();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == 0) attron(A_REVERSE);
    mvaddnstr(static_cast<int>(i), 0, lines[i].c_str(), static_cast<int>(lines[i].size()));
    if (i == 0) attroff(A_REVERSE);
  }
  refresh();
}

int TopScreen::key() noexcept {
  const int k = getch();
  return k == ERR ? 0 : k == KEY_RESIZE ? kResized : k;
}

}  // namespace testbab
