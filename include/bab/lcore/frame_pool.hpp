#pragma once

#include <bab/detail/build.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace bab {

/// Memory for coroutine frames on one lcore. Freed frames are kept by size and given out again, so
/// that a steady state allocates nothing. GCC 12 never elides a frame's allocation.
///
/// A frame remembers where it came from: freed on another thread, or when its pool isn't the
/// current one, it goes back to the heap.
class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  /// The pool of the Lcore whose turn this thread is in, or null: then frames come from the heap.
  static FramePool*& current() noexcept { return current_; }

  /// For a promise's operator new and delete. Throws std::bad_alloc.
  static void* allocate(std::size_t bytes);
  static void free(void* frame) noexcept;

  /// Blocks taken from the heap so far: stands still in a steady state.
  [[nodiscard]] std::uint64_t grown() const noexcept { return grown_; }

 private:
  struct alignas(std::max_align_t) Block {
    FramePool* owner;  // null: of no pool
    Block* next;
    std::size_t size_class;
  };
  // Frames of up to 4 KiB in steps of 128 bytes; larger ones (arrays in coroutines) go to the heap.
  static constexpr std::size_t kStep = 128;
  static constexpr std::size_t kClasses = 32;

  // In the library, as all that it shares with inline functions: an application with
  // -fvisibility=hidden would have one of its own.
  static constinit thread_local FramePool* current_;

  std::array<Block*, kClasses> free_{};
  std::uint64_t grown_ = 0;
};

}  // namespace bab
