#include <bab/detail/sanitizers.hpp>

namespace bab::detail {

char tsan_flushes = 0;

}  // namespace bab::detail
