#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace bab {

/// Keeps what DPDK logs, so that a library prints nothing: the first 64 KiB are there for whoever has to
/// explain a failure. While a Redirect is alive, the process's standard output and error go there too,
/// since EAL prints its usage straight to them; so does the log, so that all of it is in the file behind standard
/// error, from its beginning, where a process that EAL aborts finds it.
class LogCapture {
 public:
  LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  ~LogCapture();

  [[nodiscard]] std::string text() const;

  class Redirect {
   public:
    explicit Redirect(LogCapture& log);
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;
    ~Redirect();

   private:
    LogCapture& log_;
    int file_;
    int saved_out_;
    int saved_err_;
  };

 private:
  static constexpr std::size_t kMost = 64 * 1024;
  void append(const char* data, std::size_t n);

  mutable std::mutex mutex_;
  std::string text_;
  std::FILE* stream_;
  int redirected_ = -1;  ///< a Redirect's file
};

}  // namespace bab
