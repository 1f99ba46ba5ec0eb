#define ALLOW_EXPERIMENTAL_API  // rdline_new() and what goes with it

#include "prompt.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <cmdline_rdline.h>
#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace testbab {
namespace {

constexpr const char* kPrompt = "testbab> ";

Prompt& self(rdline* r) { return *static_cast<Prompt*>(rdline_get_opaque(r)); }

}  // namespace

/// Keys come one by one and aren't echoed. Ctrl-C stays a signal: it must reach commands that wait.
struct Prompt::Terminal {
  termios before{};
  bool is_raw = false;

  Terminal() {
    if (tcgetattr(STDIN_FILENO, &before) != 0) return;
    termios raw = before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;  // a stopped process would lose frames
    raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~Terminal() {
    if (is_raw) (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
  }
};

void Prompt::RdlineDeleter::operator()(rdline* r) const noexcept { rdline_free(r); }

Prompt::Prompt(Console& console) : console_(console), terminal_(std::make_unique<Terminal>()) {
  rdline_.reset(rdline_new(
      [](rdline* r, char c) { return std::fputc(c, self(r).console_.out()) == EOF ? -1 : 0; },
      [](rdline* r, const char* line, unsigned) { self(r).line_ = line; },
      [](rdline* r, const char* line, char* out, unsigned size, int* state) {
        return self(r).console_.command_line().complete(line, state, out, size);
      },
      this));
  if (!rdline_) throw bab::Error("librte_cmdline gave no line editor: there is no memory");
  console_.around_announcements(
      [this] {
        if (editing_) console_.print("\r\x1b[K");
      },
      [this] {
        if (!editing_) return;
        rdline_redisplay(rdline_.get());
        std::fflush(console_.out());
      });
}

Prompt::~Prompt() {
  console_.around_announcements([] {}, [] {});
}

void Prompt::new_line() {
  rdline_newline(rdline_.get(), kPrompt);
  std::fflush(console_.out());
  editing_ = true;
}

void Prompt::run() {
  new_line();
  while (!console_.quitting()) {
    switch (console_.wait(STDIN_FILENO)) {
      case Console::Wake::kInput:
        read();
        break;
      case Console::Wake::kInterrupt:
        interrupt();
        break;
      case Console::Wake::kTimeout:
      case Console::Wake::kQuit:
        break;
    }
  }
  editing_ = false;
  console_.print("\n");
}

void Prompt::read() {
  std::array<char, 256> keys;
  const ssize_t n = ::read(STDIN_FILENO, keys.data(), keys.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) console_.quit();  // the terminal went away
  for (ssize_t i = 0; i < n && !console_.quitting(); ++i) take(keys[static_cast<std::size_t>(i)]);
  if (std::fflush(console_.out()) != 0) console_.quit();
}

void Prompt::take(char c) {
  const int result = rdline_char_in(rdline_.get(), c);
  if (result == RDLINE_RES_EOF) console_.quit();
  if (result != RDLINE_RES_VALIDATED) return;
  const std::string line = line_.substr(0, line_.find('\n'));
  if (!line.empty()) (void)rdline_add_history(rdline_.get(), line.c_str());
  editing_ = false;
  execute(line);
  if (!console_.quitting()) new_line();
}

void Prompt::execute(const std::string& line) {
  try {
    console_.execute(line);
  } catch (const std::exception& e) {  // bab::Error; std::bad_alloc
    console_.announce(fmt::format("{}\n", e.what()));
  }
}

void Prompt::interrupt() {
  const bool is_empty = std::strlen(rdline_get_buffer(rdline_.get())) <= 1;  // a line's end
  console_.print("^C\n");
  editing_ = false;
  if (is_empty && console_.workbench().running()) console_.stop(true);
  new_line();
}

}  // namespace testbab
