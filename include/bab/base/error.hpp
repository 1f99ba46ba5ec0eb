#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bab {

/// What a sentence is about, where that is something which programs leave to their users: the
/// library speaks of the thing, and a program can add which of its own options sets it.
enum class Setting : std::uint8_t {
  kNone,
  kMtu,
  kQueues,  ///< a port's numbers of RX and TX queues
  kTxChecksum,
  kRxChecksum,
  kTxVlan,
  kEalArguments,  ///< as a whole
};

/// What set-up throws. `what()` is one sentence: what was tried, why it failed, what mends it.
/// The data path never throws.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, Setting setting = Setting::kNone)
      : std::runtime_error(sentence), setting_(setting) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  /// In the library, and its type's description with it: there is one, whatever -fno-rtti and
  /// -fvisibility say elsewhere.
  ~Error() override;

  /// `tried` failed with `code`, an errno or rte_errno value of either sign; `mend` may be empty.
  static Error from_code(std::string_view tried, int code, std::string_view mend = {});

  /// That code as a positive errno value (ENOMEM: there was too little memory); 0: the failure has
  /// none.
  [[nodiscard]] int code() const noexcept { return code_; }

  /// What would have to be set otherwise, where its sentence ends with that.
  [[nodiscard]] Setting setting() const noexcept { return setting_; }

 private:
  Setting setting_ = Setting::kNone;
  int code_ = 0;
};

}  // namespace bab
