#include "console.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include <bab/base/error.hpp>

#include "json_document.hpp"
#include "report_text.hpp"

namespace testbab {

Console::Console(Workbench& workbench, std::FILE* out, bool keep_going)
    : workbench_(workbench), out_(out), keep_going_(keep_going) {
  workbench_.on_live_text([this](const std::string& text) { announce(text); });
}

void Console::execute(std::string_view line) {
  const Parsed parsed = command_line_.parse(line);
  if (parsed.command != nullptr) parsed.command->run(*this, parsed.words);
  flush();
}

void Console::stop(bool interrupted) { announce(summary_text(workbench_.stop(interrupted))); }

Console::Wake Console::wait(int fd, std::optional<Clock::time_point> until) {
  using std::chrono::milliseconds;
  StopSignals& signals = workbench_.signals();
  while (true) {
    if (workbench_.running()) {
      workbench_.pinned().look_now_and_then(workbench_.wiring().pools());
      if (workbench_.tick()) stop();
    }
    if (!workbench_.running()) workbench_.look_at_ports();
    if (!workbench_.removed().empty()) quit();
    if (signals.wait(milliseconds{0})) quit();
    if (quitting_) return Wake::kQuit;
    if (signals.take_interrupt()) return Wake::kInterrupt;
    milliseconds sleep = workbench_.running() ? Run::kTick : bab::PortWatch::kEvery;
    if (until) {
      const auto left = std::chrono::ceil<milliseconds>(*until - Clock::now());
      if (left.count() <= 0) return Wake::kTimeout;
      sleep = std::min(sleep, left);
    }
    std::array<pollfd, 2> events{{{fd, POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    if (poll(events.data(), events.size(), static_cast<int>(sleep.count())) > 0 &&
        events[0].revents != 0)
      return Wake::kInput;
  }
}

void Console::print(const std::string& text) { std::fputs(text.c_str(), out_); }

void Console::print_json(const nlohmann::ordered_json& members) {
  // A device's name may have any bytes: it is from --vdev.
  print(json_document(members)
            .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
            .append("\n"));
}

void Console::announce(const std::string& text) {
  before_();
  print(text);
  flush();
  after_();
}

void Console::around_announcements(std::function<void()> before, std::function<void()> after) {
  before_ = std::move(before);
  after_ = std::move(after);
}

void Console::flush() {
  if (std::fflush(out_) == 0 && std::ferror(out_) == 0) return;
  output_lost_ = true;
  quit();
}

}  // namespace testbab
