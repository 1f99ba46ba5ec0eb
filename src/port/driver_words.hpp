#pragma once

#include <string>
#include <string_view>

namespace bab::detail {

/// What DPDK logs while it is there: a driver that refuses something says why there, and gives a
/// bare number back. The lines go where they went before, too. Any thread; those of other threads
/// are among them.
class DriverWords {
 public:
  DriverWords();
  DriverWords(const DriverWords&) = delete;
  DriverWords& operator=(const DriverWords&) = delete;
  ~DriverWords();

  /// The last line, without the name of the function that wrote it; empty: nothing was logged.
  [[nodiscard]] std::string last() const;

 private:
  friend class LogListener;
  static constexpr std::size_t kMost = 4096;

  std::string text_;  // LogListener's lock is held for it
};

/// "`tried`: the code's meaning (its driver says: …); `mend`".
std::string refused_sentence(std::string_view tried, int code, const DriverWords& words,
                             std::string_view mend = {});

}  // namespace bab::detail
