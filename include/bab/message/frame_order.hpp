#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include <rte_mbuf.h>

#include <bab/memory/buffer_meta.hpp>

namespace bab {

/// Brings one shared writer's frames, which come by several lcores' rings, back into their order. On the
/// flusher's lcore. A writer has at most 16 frames unfinished at a time, but finished ones pile up in
/// a ring that isn't looked at; so the window is larger, and the rest waits in a list.
class FrameOrder {
 public:
  static constexpr std::uint64_t kWindow = 64;

  /// A frame that came; its buffer's `number` says where it belongs. False, and the frame stays the caller's:
  /// take_any() has given its place up.
  [[nodiscard]] bool put(rte_mbuf* m) noexcept {
    BufferMeta& meta = buffer_meta(m);
    if (meta.number < next_) [[unlikely]]
      return false;
    if (meta.number - next_ < kWindow && place(meta.number) == nullptr) {
      place(meta.number) = m;
    } else {
      meta.next = far_;
      far_ = m;
    }
    ++count_;
    return true;
  }

  /// The next one in order, or null when it hasn't come.
  rte_mbuf* take_next() noexcept {
    rte_mbuf* m = std::exchange(place(next_), nullptr);
    if (m == nullptr && far_ != nullptr) {
      bring_near();
      m = std::exchange(place(next_), nullptr);
    }
    if (m == nullptr) return nullptr;
    ++next_;
    --count_;
    return m;
  }

  /// Any one at all, in order as far as they came; for giving up. Null: empty.
  rte_mbuf* take_any() noexcept {
    while (count_ > 0) {
      if (rte_mbuf* m = take_next()) return m;
      ++next_;  // it never came
    }
    return nullptr;
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

 private:
  rte_mbuf*& place(std::uint64_t number) noexcept { return window_[number % kWindow]; }

  void bring_near() noexcept {
    rte_mbuf* rest = std::exchange(far_, nullptr);
    while (rest != nullptr) {
      rte_mbuf* m = rest;
      BufferMeta& meta = buffer_meta(m);
      rest = meta.next;
      if (meta.number - next_ < kWindow) {
        place(meta.number) = m;
      } else {
        meta.next = far_;
        far_ = m;
      }
    }
  }

  std::array<rte_mbuf*, kWindow> window_{};
  rte_mbuf* far_ = nullptr;
  std::uint64_t next_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace bab
