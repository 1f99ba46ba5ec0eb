#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace bab {

/// Memory for the coroutines of one lcore. Freed blocks are kept by size and given out again, so
/// that a steady state allocates nothing. (GCC 12 never elides the allocation of a coroutine's
/// memory.)
///
/// A block remembers the pool that it came from. If it is freed on another thread, or while that
/// pool isn't the current one, it goes back to the heap.
class CoroutinePool {
 public:
  CoroutinePool() = default;
  CoroutinePool(const CoroutinePool&) = delete;
  CoroutinePool& operator=(const CoroutinePool&) = delete;
  ~CoroutinePool();

  /// The pool of the Lcore whose turn this thread is in, or null: memory then comes from the heap.
  static CoroutinePool*& current() noexcept { return current_; }

  /// For a promise's operator new and delete. `bytes`: the coroutine's size. allocate() throws
  /// std::bad_alloc.
  static void* allocate(std::size_t bytes);
  static void free(void* frame) noexcept;

  /// Blocks that came from the heap so far: doesn't grow in a steady state.
  [[nodiscard]] std::uint64_t grown() const noexcept { return grown_; }

 private:
  struct alignas(std::max_align_t) Block {
    CoroutinePool* owner;  // null: it belongs to no pool
    Block* next;
    std::size_t size_class;
  };
  // Blocks of up to 4 KiB in steps of 128 bytes. Larger ones (coroutines with arrays) come from the
  // heap.
  static constexpr std::size_t kStep = 128;
  static constexpr std::size_t kClasses = 32;

  // Defined in the library, as everything that it shares with inline functions: otherwise an
  // application that is compiled with -fvisibility=hidden would have a second one.
  static constinit thread_local CoroutinePool* current_;

  std::array<Block*, kClasses> free_{};
  std::uint64_t grown_ = 0;
};

}  // namespace bab
