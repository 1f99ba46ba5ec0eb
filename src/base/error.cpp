#include <bab/base/error.hpp>

#include <cstdlib>

#include <fmt/format.h>
#include <rte_errno.h>

namespace bab {

Error::~Error() = default;

Error Error::from_code(std::string_view tried, int code, std::string_view mend) {
  std::string sentence = fmt::format("{}: {}", tried, rte_strerror(std::abs(code)));
  if (!mend.empty()) sentence += fmt::format("; {}", mend);
  Error error(sentence);
  error.code_ = std::abs(code);
  return error;
}

}  // namespace bab
