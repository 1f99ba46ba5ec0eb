#pragma once

#include <string>
#include <string_view>

namespace bab::detail {

/// Collects what DPDK logs as long as this object exists: a driver that refuses something logs the
/// reason, and returns only a number. The lines also go where they went before. Any thread; lines
/// that other threads cause are included.
class DriverWords {
 public:
  DriverWords();
  DriverWords(const DriverWords&) = delete;
  DriverWords& operator=(const DriverWords&) = delete;
  ~DriverWords();

  /// The last line, without the name of the function that wrote it. Empty: nothing was logged.
  [[nodiscard]] std::string last() const;

 private:
  friend class LogListener;
  static constexpr std::size_t kMax = 4096;

  std::string text_;  // guarded by LogListener's lock
};

/// "`tried`: the code's meaning (its driver says: …); `mend`".
std::string refused_sentence(std::string_view tried, int code, const DriverWords& words,
                             std::string_view mend = {});

}  // namespace bab::detail
