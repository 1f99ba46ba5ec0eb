#pragma once

#include <string_view>

namespace bab::detail {

/// One user of EAL's memory: the memory of a pool, a ring or a port. The end of an Eal is put off
/// while there are users, so that objects may be destroyed in any order: the last of them ends EAL.
/// Set-up and tear-down, any thread.
///
/// Throws Error, whose sentence begins with `tried`, if EAL isn't initialised or was cleaned up, or
/// this is a secondary process or a child that fork() made of EAL's process.
void use_eal(std::string_view tried);
void stop_using_eal() noexcept;

/// Sets the function that is called before the end of an Eal is put off: it lets go of users that
/// nothing needs any more. There is only one function; it may be set any number of times.
void before_eal_ends(void (*sweep)() noexcept) noexcept;

/// Whether EAL's memory still exists. A host application may clean up its own EAL while our objects
/// exist: these then leave the memory alone. Makes a system call. Any thread.
bool eal_is_there() noexcept;

/// Whether this process is a child that fork() made of EAL's process: nothing of EAL works in it.
/// For asserts: makes a system call. Any thread.
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
