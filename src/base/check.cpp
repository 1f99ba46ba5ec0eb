#include <bab/detail/check.hpp>

#undef NDEBUG  // needed in every build: tests/model has checks where the library has none
#include <cassert>

namespace bab::detail {

void check_failed(const char* what, const char* file, unsigned line,
                  const char* function) noexcept {
  __assert_fail(what, file, line, function);
}

}  // namespace bab::detail
