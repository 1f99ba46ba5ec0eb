#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "opaque.hpp"

namespace bench {

/// The message that the writer rows copy: 32 bytes. The compiler doesn't know the length, as in a
/// program that gets its messages from elsewhere. Both sides copy with the same memcpy().
class Message {
 public:
  Message() {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::uint8_t>(i);
    hide(len_);
  }
  explicit Message(std::uint32_t len) : Message() { len_ = len; }

  [[nodiscard]] std::uint32_t size() const noexcept { return len_; }
  void copy_to(std::uint8_t* at, std::uint32_t len) const noexcept {
    std::memcpy(at, bytes_.data(), len);
  }

 private:
  alignas(64) std::array<std::uint8_t, 8192> bytes_;
  std::uint32_t len_ = 32;
};

}  // namespace bench
