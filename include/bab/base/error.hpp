#pragma once

#include <bab/detail/build.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace bab {

/// What set-up throws. `what()` is one sentence: what was tried, why it failed, what mends it.
/// The data path never throws.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence) : std::runtime_error(sentence) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  /// In the library, and its type's description with it: there is one, whatever -fno-rtti and -fvisibility say elsewhere.
  ~Error() override;

  /// `tried` failed with `code`, an errno or rte_errno value of either sign; `mend` may be empty.
  static Error from_code(std::string_view tried, int code, std::string_view mend = {});

  /// That code as a positive errno value (ENOMEM: there was too little memory); 0: the failure has none.
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_ = 0;
};

}  // namespace bab
