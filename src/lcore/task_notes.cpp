#include <bab/lcore/task_notes.hpp>

namespace bab {

constinit std::atomic<std::uint64_t> TaskNotes::spawned_{0};

}  // namespace bab
