#include "driver_words.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_log.h>

namespace bab::detail {

DriverWords::DriverWords() : before_(rte_log_get_stream()) {
  cookie_io_functions_t io{};
  io.write = [](void* self, const char* data, std::size_t n) -> ssize_t {
    static_cast<DriverWords*>(self)->append({data, n});
    return static_cast<ssize_t>(n);
  };
  stream_ = fopencookie(this, "w", io);
  if (stream_ == nullptr) return;  // then without: the words only explain
  setvbuf(stream_, nullptr, _IOLBF, 0);
  rte_openlog_stream(stream_);
}

DriverWords::~DriverWords() {
  if (stream_ == nullptr) return;
  rte_openlog_stream(before_);
  std::fclose(stream_);
}

void DriverWords::append(std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::fwrite(text.data(), 1, text.size(), before_);
  text_ += text;
  if (text_.size() > kMost) text_.erase(0, text_.size() - kMost);
}

std::string DriverWords::last() const {
  if (stream_ == nullptr) return "";
  std::fflush(stream_);
  const std::lock_guard lock(mutex_);
  std::string_view all = text_;
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
    // "Port0 dev_configure = -22": DPDK's own line, behind the driver's.
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
