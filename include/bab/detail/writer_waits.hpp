#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

namespace bab::detail {

/// What waits may ask of a writer, beside its public functions. On its lcore.
class WriterWaits {
 public:
  template <class Writer>
  [[nodiscard]] static auto& line(Writer& writer) noexcept {
    return writer.line();
  }
  template <class Writer>
  [[nodiscard]] static auto& pool(Writer& writer) noexcept {
    return writer.pool();
  }
  /// Whether a reserve of `len` bytes takes only a few instructions and can't fail: take() is such
  /// a reserve. Only for writers with kTakesInline.
  template <class Writer>
  [[nodiscard]] static bool has_room(Writer& writer, std::uint32_t len) noexcept {
    return writer.has_room(len);
  }
  template <class Writer>
  [[nodiscard]] static auto take(Writer& writer, std::uint32_t len) noexcept {
    return writer.take(len);
  }

  /// Flushes. Returns the mark up to which frames must be gone for the flush to be over.
  template <class Writer>
  [[nodiscard]] static auto begin_flush(Writer& writer) noexcept {
    return writer.begin_flush();
  }
  /// Hands over frames that are still here. Returns whether all frames before the mark are gone.
  template <class Writer, class Mark>
  [[nodiscard]] static bool has_flushed(Writer& writer, Mark& mark) noexcept {
    return writer.has_flushed(mark);
  }
  /// Only after has_flushed() was true.
  template <class Writer, class Mark, class Task>
  [[nodiscard]] static bool has_dropped(Writer& writer, const Mark& mark, Task* task) noexcept {
    return writer.has_dropped(mark, task);
  }
};

}  // namespace bab::detail
