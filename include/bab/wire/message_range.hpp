#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

#include <bab/wire/endian.hpp>
#include <bab/wire/moldudp64.hpp>

namespace bab::wire {

/// The messages of a MoldUDP64 packet, in order, without a copy:
///
///     for (std::span<const std::uint8_t> message : bab::wire::MessageRange(parsed.blocks)) …
///
/// The blocks must be whole: check them with blocks_fit() first, nothing is checked here. A view:
/// valid as long as the blocks' bytes are.
class MessageRange {
 public:
  class Iterator {
   public:
    using value_type = std::span<const std::uint8_t>;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;  // gives values, not references

    Iterator() noexcept = default;
    /// `block`: the first byte of a block's length, or the end of the last block.
    explicit Iterator(const std::uint8_t* block) noexcept : block_(block) {}
    [[nodiscard]] value_type operator*() const noexcept {
      return {block_ + kBlockLengthBytes, load_be<std::uint16_t>(block_)};
    }
    Iterator& operator++() noexcept {
      block_ += kBlockLengthBytes + load_be<std::uint16_t>(block_);
      return *this;
    }
    Iterator operator++(int) noexcept {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(Iterator, Iterator) noexcept = default;

   private:
    const std::uint8_t* block_ = nullptr;
  };

  MessageRange() noexcept = default;  // no messages
  explicit MessageRange(std::span<const std::uint8_t> blocks) noexcept
      : begin_(blocks.data()), end_(blocks.data() + blocks.size()) {}

  [[nodiscard]] Iterator begin() const noexcept { return begin_; }
  [[nodiscard]] Iterator end() const noexcept { return end_; }

 private:
  Iterator begin_, end_;
};

}  // namespace bab::wire
