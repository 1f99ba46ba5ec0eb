#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bab {

/// The setting that an Error's sentence is about, if programs leave that setting to their users.
/// The library names the setting; a program can add which of its own options sets it.
enum class Setting : std::uint8_t {
  kNone,
  kMtu,
  kQueues,  ///< a port's numbers of RX and TX queues
  kTxChecksum,
  kRxChecksum,
  kTxVlan,
  kEalArguments,  ///< all EAL arguments together
};

/// Thrown by set-up. `what()` is one sentence: what was tried, why it failed, what mends it. The
/// data path never throws.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, Setting setting = Setting::kNone)
      : std::runtime_error(sentence), setting_(setting) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  /// Defined in the library, so that the class has only one type description, whatever -fno-rtti
  /// and -fvisibility say elsewhere.
  ~Error() override;

  /// `tried` failed with `code`, an errno or rte_errno value, positive or negative. `mend` may be
  /// empty.
  static Error from_code(std::string_view tried, int code, std::string_view mend = {});

  /// The code given to from_code() as a positive errno value (ENOMEM: too little memory); 0: there
  /// is none.
  [[nodiscard]] int code() const noexcept { return code_; }

  /// The setting that has to change, if the sentence ends by naming it; else kNone.
  [[nodiscard]] Setting setting() const noexcept { return setting_; }

 private:
  Setting setting_ = Setting::kNone;
  int code_ = 0;
};

}  // namespace bab
