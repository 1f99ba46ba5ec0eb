#pragma once

#include <string_view>

namespace bab::detail {

/// One user of EAL's memory: a pool's memory, a ring, a port. While there is one, the end of an Eal
/// is put off, so that objects may go in any order; the last of them ends EAL. Set-up and
/// tear-down, any thread.
///
/// Throws Error, begun with `tried`, where no such object can be: EAL isn't initialised or was
/// cleaned up, or this is a secondary process, or a child that fork() made of EAL's process.
void use_eal(std::string_view tried);
void stop_using_eal() noexcept;

/// What to do before an Eal's end is put off: users that nothing holds any more are let go of. One
/// function, given as often as one likes.
void before_eal_ends(void (*sweep)() noexcept) noexcept;

/// Whether EAL's memory is there still. A host application may clean up an EAL of its own under our
/// objects: these then leave it alone. A system call.
bool eal_is_there() noexcept;

/// This is a child that fork() made of EAL's process: nothing of EAL works in it. For asserts: a
/// system call. Any thread.
bool eal_is_a_parents() noexcept;

/// The same as an object.
class EalUse {
 public:
  explicit EalUse(std::string_view tried) { use_eal(tried); }
  EalUse(const EalUse&) = delete;
  EalUse& operator=(const EalUse&) = delete;
  ~EalUse() { stop_using_eal(); }
};

}  // namespace bab::detail
