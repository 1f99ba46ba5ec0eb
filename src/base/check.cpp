#include <bab/detail/check.hpp>

#undef NDEBUG  // where the library has no checks, tests/model has
#include <cassert>

namespace bab::detail {

void check_failed(const char* what, const char* file, unsigned line,
                  const char* function) noexcept {
  __assert_fail(what, file, line, function);
}

}  // namespace bab::detail
