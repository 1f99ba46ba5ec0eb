#include <bab/message/drops_told.hpp>

namespace bab {

constinit std::atomic<std::uint64_t> DropsTold::writers_{0};

}  // namespace bab
