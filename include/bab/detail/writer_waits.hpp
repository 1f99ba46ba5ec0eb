#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>

namespace bab::detail {

/// What waits may ask of a writer beside what it shows everybody. On its lcore.
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
  /// Whether a reserve of `len` bytes takes a few instructions and can't fail; take() is that. Of
  /// kTakesInline writers.
  template <class Writer>
  [[nodiscard]] static bool has_room(Writer& writer, std::uint32_t len) noexcept {
    return writer.has_room(len);
  }
  template <class Writer>
  [[nodiscard]] static auto take(Writer& writer, std::uint32_t len) noexcept {
    return writer.take(len);
  }

  /// Flushes; what must be gone for that to be over.
  template <class Writer>
  [[nodiscard]] static auto begin_flush(Writer& writer) noexcept {
    return writer.begin_flush();
  }
  /// Hands over what may still be here. Whether all before the mark is gone.
  template <class Writer, class Mark>
  [[nodiscard]] static bool has_flushed(Writer& writer, Mark& mark) noexcept {
    return writer.has_flushed(mark);
  }
  /// After has_flushed().
  template <class Writer, class Mark, class Task>
  [[nodiscard]] static bool has_dropped(Writer& writer, const Mark& mark, Task* task) noexcept {
    return writer.has_dropped(mark, task);
  }
};

}  // namespace bab::detail
