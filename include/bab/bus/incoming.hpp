#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace bab {

/// The result of Subscription::next(): a message, or nothing, or an event of the session, in its
/// place among the messages. The bytes are in the received frame. They are valid until the next
/// call of next() or next_frame(), the next wait for ready(), or the end of the bus's stop,
/// whichever comes first.
class Incoming {
 public:
  enum class Kind : std::uint8_t {
    kNothing,  ///< there is nothing to read now
    kMessage,
    /// Messages are missing here for good. Not reported yet: compare Subscription::sequence().
    kGap,
    /// Another session begins here. Not reported yet: compare Subscription::session().
    kSession,
  };

  Incoming() noexcept = default;
  explicit Incoming(std::span<const std::uint8_t> message) noexcept
      : data_(message.data()),
        size_(static_cast<std::uint32_t>(message.size())),
        kind_(Kind::kMessage) {}

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// True: it is a message or an event.
  [[nodiscard]] explicit operator bool() const noexcept { return kind_ != Kind::kNothing; }
  [[nodiscard]] bool is_message() const noexcept { return kind_ == Kind::kMessage; }

  /// The bytes of a message. An event has none.
  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }

 private:
  const std::uint8_t* data_ = nullptr;
  std::uint32_t size_ = 0;
  Kind kind_ = Kind::kNothing;
};

static_assert(sizeof(Incoming) == 16);  // it travels in two registers

}  // namespace bab
