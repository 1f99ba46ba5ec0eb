#pragma once

#include <cstddef>
#include <cstdint>

namespace bab::test::model {

/// Memory as C++ promises it, and no better, under the running Machine.
///
/// Every atomic location has the list of what was stored there. A load sees the newest, or an older
/// one as long as nothing that happened before the load says otherwise; a read-modify-write sees
/// the newest. A store may stay in its thread's store buffer until the thread's next operation is
/// through. Acquire takes over what the release knew; a read-modify-write carries an earlier
/// release on; sequentially consistent operations see one another in one order. Plain accesses to
/// watched memory that aren't ordered by that are a race, and those to a buffer that is free are a
/// failure of their own.
///
/// Simpler than C++, and so silent about some of what it allows: stores to one location get their
/// order when they arrive, no load sees what is stored later in any order (load buffering), no
/// compare_exchange_weak fails without a cause.
///
/// It hears of accesses from code that is instrumented as for ThreadSanitizer (hooks.cpp): the
/// production code as it stands, DPDK's inline functions with it.
class Memory {
 public:
  /// A run begins; at most `weak` loads see an older value or stores are late.
  static void start(unsigned weak);
  static void stop();
  static void thread_begins();

  /// Plain accesses to these bytes are checked, for as long as this is there.
  class Watched {
   public:
    Watched(const void* at, std::size_t bytes);
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched();

   private:
    std::uintptr_t from_;
  };

  /// What happens meanwhile is none of the threads' doing.
  class Quiet {
   public:
    Quiet();
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet();

   private:
    bool before_;
  };

  enum class Rmw : std::uint8_t { kSet, kAdd, kSub, kAnd, kOr, kXor };

  // What threads do; `bytes` is 1, 2, 4 or 8. Orders are those of __ATOMIC_RELAXED and so on.
  // Outside of a run they do just that.
  static std::uint64_t load(const volatile void* at, unsigned bytes, int order);
  static void store(volatile void* at, unsigned bytes, std::uint64_t value, int order);
  static std::uint64_t rmw(volatile void* at, unsigned bytes, Rmw what, std::uint64_t operand,
                           int order);
  /// The value that was found; it has been exchanged if that is `expected`.
  static std::uint64_t compare_exchange(volatile void* at, unsigned bytes, std::uint64_t expected,
                                        std::uint64_t value, int order, int failure_order);
  static void fence(int order);
  static void plain(const void* at, std::size_t bytes, bool is_write);

  /// What the thread did happens before what one does that acquires `key` later.
  static void release(const void* key);
  static void acquire(const void* key);
  /// The bytes belong to nobody: whatever comes later and isn't after `allocated` is a failure.
  static void freed(const void* at, std::size_t bytes);
  static void allocated(const void* at);

  /// The thread waits for others, or ends: its stores arrive, and it won't see again what was
  /// stale. True: something was.
  static bool about_to_wait(unsigned thread);
};

}  // namespace bab::test::model
