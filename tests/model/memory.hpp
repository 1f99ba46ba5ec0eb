#pragma once

#include <cstddef>
#include <cstdint>

namespace bab::test::model {

/// Memory as C++ promises it, and no better, under the running Machine.
///
/// Every atomic location has a list of the values that were stored. A load sees the newest value,
/// or an older one if nothing that happened before the load rules it out. A read-modify-write sees
/// the newest. A store may stay in its thread's store buffer until the thread's next operation has
/// ended. An acquire takes over what the release knew. A read-modify-write carries an earlier
/// release on. Sequentially consistent operations have one order. Plain accesses to watched memory
/// that aren't ordered are a race. Accesses to a free buffer are a failure of their own.
///
/// This is simpler than C++. Some faults that C++ allows don't show: stores to one location have
/// the order in which they arrive, no load sees a store that comes later in all orders (load
/// buffering), and compare_exchange_weak doesn't fail without a cause.
///
/// Memory learns of accesses from code that is instrumented as for ThreadSanitizer (hooks.cpp): the
/// production code itself, with DPDK's inline functions.
class Memory {
 public:
  /// Begins a run. At most `weak` times a load sees an older value or a store is late.
  static void start(unsigned weak);
  static void stop();
  static void thread_begins();

  /// Plain accesses to these bytes are checked as long as this object lives.
  class Watched {
   public:
    Watched(const void* at, std::size_t bytes);
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched();

   private:
    std::uintptr_t from_;
  };

  /// Accesses during the life of this object belong to no thread.
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

  // The operations of threads. `bytes` is 1, 2, 4 or 8. Orders are those of __ATOMIC_RELAXED and so
  // on. Outside of a run these functions only access the memory, and nothing is modelled.
  static std::uint64_t load(const volatile void* at, unsigned bytes, int order);
  static void store(volatile void* at, unsigned bytes, std::uint64_t value, int order);
  static std::uint64_t rmw(volatile void* at, unsigned bytes, Rmw what, std::uint64_t operand,
                           int order);
  /// Returns the value that was found. If this is `expected`, the value was exchanged.
  static std::uint64_t compare_exchange(volatile void* at, unsigned bytes, std::uint64_t expected,
                                        std::uint64_t value, int order, int failure_order);
  static void fence(int order);
  static void plain(const void* at, std::size_t bytes, bool is_write);

  /// All that this thread has done up to now happens before all that a thread does after a later
  /// acquire of `key`.
  static void release(const void* key);
  static void acquire(const void* key);
  /// The bytes are free. A later access is a failure if it isn't after `allocated`.
  static void freed(const void* at, std::size_t bytes);
  static void allocated(const void* at);

  /// Called when the thread waits for others or ends. Its late stores arrive, and it sees no old
  /// values any more. Returns whether it had seen an old value.
  static bool about_to_wait(unsigned thread);
};

}  // namespace bab::test::model
