#include "driver_words.hpp"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "../base/log_capture.hpp"
#include "../detail/dpdk/log_stream.hpp"

namespace bab::detail {

/// Listens to DPDK's log while any DriverWords exists. The stream is made once and never closed: a
/// thread that logs may use it long after the last listener is gone.
class LogListener {
 public:
  static LogListener& instance() {
    static auto* const listener = new LogListener;  // never destroyed: any thread may log
    return *listener;
  }

  void add(DriverWords* who) {
    const std::lock_guard lock(mutex_);
    who_.push_back(who);
    std::FILE* const now = rte_log_get_stream();
    if (stream_ == nullptr || now == stream_) return;
    // DPDK's own streams have no file descriptor. Where openlog would close such a stream, the
    // stream stays in use, and refusals say less.
    if (dpdk::openlog_may_close_the_stream_before() && fileno(now) < 0 && !LogCapture::is_ours(now))
      return;
    before_ = now;
    rte_openlog_stream(stream_);
  }

  void remove(DriverWords* who) {
    const std::lock_guard lock(mutex_);
    std::erase(who_, who);
    // The log may have been directed elsewhere meanwhile.
    if (who_.empty() && stream_ != nullptr && rte_log_get_stream() == stream_)
      rte_openlog_stream(std::exchange(before_, nullptr));
  }

  std::string text(const DriverWords& who) {
    if (stream_ != nullptr) std::fflush(stream_);
    const std::lock_guard lock(mutex_);
    return who.text_;
  }

 private:
  LogListener() {
    cookie_io_functions_t io{};
    io.write = [](void* self, const char* data, std::size_t n) -> ssize_t {
      static_cast<LogListener*>(self)->pass({data, n});
      return static_cast<ssize_t>(n);
    };
    stream_ = fopencookie(this, "w", io);  // may fail: the log only explains
    if (stream_ != nullptr) setvbuf(stream_, nullptr, _IOLBF, 0);
  }

  void pass(std::string_view text) {
    const std::lock_guard lock(mutex_);
    // A thread that got the stream while somebody listened may write only now.
    std::FILE* const to = before_ != nullptr ? before_ : rte_log_get_stream();
    if (to != stream_) {
      std::fwrite(text.data(), 1, text.size(), to);
      std::fflush(to);  // as DPDK does: these lines may be the process's last ones
    }
    for (DriverWords* who : who_) {
      who->text_ += text;
      if (who->text_.size() > DriverWords::kMax)
        who->text_.erase(0, who->text_.size() - DriverWords::kMax);
    }
  }

  std::mutex mutex_;
  std::vector<DriverWords*> who_;
  std::FILE* before_ = nullptr;  // where the log went before; null while nobody listens
  std::FILE* stream_ = nullptr;
};

DriverWords::DriverWords() { LogListener::instance().add(this); }
DriverWords::~DriverWords() { LogListener::instance().remove(this); }

std::string DriverWords::last() const {
  const std::string text = LogListener::instance().text(*this);
  std::string_view all = text;
  while (!all.empty()) {
    const std::size_t end = all.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) break;
    all = all.substr(0, end + 1);
    const std::size_t begin = all.find_last_of('\n');
    std::string_view line = begin == std::string_view::npos ? all : all.substr(begin + 1);
    // "virtio_dev_rx_queue_setup(): RX scatter check failed"
    if (const std::size_t call = line.find("(): "); call != std::string_view::npos)
      line.remove_prefix(call + 4);
    while (!line.empty() && (line.back() == '.' || line.back() == ' ')) line.remove_suffix(1);
    // "Port0 dev_configure = -22": DPDK's own line, after the driver's.
    const bool is_a_code = line.find("= -") != std::string_view::npos;
    if (!line.empty() && !is_a_code) return std::string(line);
    all = begin == std::string_view::npos ? std::string_view() : all.substr(0, begin);
  }
  return "";
}

std::string refused_sentence(std::string_view tried, int code, const DriverWords& words,
                             std::string_view mend) {
  std::string sentence = fmt::format("{}: {}", tried, rte_strerror(std::abs(code)));
  if (const std::string why = words.last(); !why.empty())
    sentence += fmt::format(" (its driver says: {})", why);
  if (!mend.empty()) sentence += fmt::format("; {}", mend);
  return sentence;
}

}  // namespace bab::detail
