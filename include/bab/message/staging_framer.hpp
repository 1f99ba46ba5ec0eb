#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <span>

#include <rte_mbuf.h>

#include <bab/lcore/acquire.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>

namespace bab {

/// Makes Packets of a byte stream that does not come from a NIC (a socket, a file). Bytes are
/// staged in a buffer. When the application finds a piece to be complete, the piece is taken out as
/// a Packet, in place.
///
///     std::span<std::uint8_t> room = co_await framer.write();   // as much as the buffer has left
///     framer.commit(read(fd, room.data(), room.size()));        // so many were filled
///     while (const auto len = whole_frame(framer.staged()))     // the application's own framing
///       use(framer.finish_frame(len));
///
///     |<- given out as Packets ->|<- staged ->|<- room ->|
///     0                        begin_       end_       capacity()
///
/// All calls on one lcore. One piece may fill a whole buffer.
class StagingFramer {
 public:
  explicit StagingFramer(BufferPool& pool) noexcept : pool_(pool) {}
  StagingFramer(const StagingFramer&) = delete;
  StagingFramer& operator=(const StagingFramer&) = delete;

  /// Awaitable: room for more bytes. Empty only when the wait was cancelled, when the staged bytes
  /// fill a whole buffer, or on a thread without an lcore id (the wait is refused). Acquires a
  /// buffer when there is none, or when the current one is full; the staged bytes then move to the
  /// new one. After AnyOf, the awaitable's room() says the same.
  class Write;
  [[nodiscard]] Write write() noexcept;
  /// The same without waiting. Empty also when the pool has no buffer, or somebody waits for one.
  [[nodiscard]] std::span<std::uint8_t> try_write() noexcept;

  /// Notes that n bytes of the room are filled. Returns false, and changes nothing, when n is more
  /// than room().size().
  [[nodiscard]] bool commit(std::uint64_t n) noexcept {
    if (n > room().size()) return false;
    end_ += static_cast<std::uint32_t>(n);
    return true;
  }

  /// Committed bytes of which no Packet was made yet.
  [[nodiscard]] std::span<const std::uint8_t> staged() const noexcept {
    return {data_ + begin_, end_ - begin_};
  }
  /// Where the next bytes go; empty without a buffer.
  [[nodiscard]] std::span<std::uint8_t> room() const noexcept {
    if (detail::kTsanMixed && source_.buffer() != nullptr) detail::tsan_comes(source_.buffer());
    return data_ == nullptr ? std::span<std::uint8_t>()
                            : std::span<std::uint8_t>(data_ + end_, capacity() - end_);
  }
  /// Bytes of a buffer: the most that finish_frame() can take.
  [[nodiscard]] std::uint32_t capacity() const noexcept { return pool_.data_room(); }

  /// The first `len` staged bytes as a Packet. Empty when fewer bytes are staged, or without a
  /// buffer.
  [[nodiscard]] Packet finish_frame(std::uint64_t len) noexcept {
    if (data_ == nullptr || len > staged().size()) return {};
    const std::uint8_t* at = data_ + begin_;
    begin_ += static_cast<std::uint32_t>(len);
    return source_.packet(at, static_cast<std::uint32_t>(len));
  }
  /// All staged bytes as a Packet, which has 0 bytes if none are staged. Empty without a buffer.
  [[nodiscard]] Packet finish_frame() noexcept { return finish_frame(staged().size()); }

  /// Awaitable: continues in a fresh buffer, to which the staged bytes move. A Packet that was
  /// given out then doesn't pin the bytes that come later. Gives kDone, kCancelled, or kRefused on
  /// a thread without an lcore id.
  class NextBuffer;
  [[nodiscard]] NextBuffer next_buffer() noexcept;

 private:
  class Refill;
  /// Whether write() needs another buffer, and another one would help.
  [[nodiscard]] bool wants_buffer() const noexcept {
    return data_ == nullptr || (room().empty() && staged().size() < capacity());
  }
  void move_to(rte_mbuf* m) noexcept;

  BufferPool& pool_;
  PacketSource source_;  // of the current buffer
  std::uint8_t* data_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
};

/// The base of Write and NextBuffer. A buffer belongs to the framer as soon as it is granted, even
/// if the wait is cancelled afterwards.
class StagingFramer::Refill : public AcquireBulk {
 public:
  explicit Refill(StagingFramer& framer) noexcept
      : AcquireBulk(framer.pool_, std::span(&buffer_, 1)), framer_(framer) {}
  ~Refill() override { retire(); }

 protected:
  bool poll() noexcept override;
  void withdraw() noexcept override;

  StagingFramer& framer_;

 private:
  rte_mbuf* buffer_ = nullptr;
};

class StagingFramer::Write final : public Refill {
 public:
  using Refill::Refill;
  [[nodiscard]] std::span<std::uint8_t> await_resume() const noexcept { return room(); }
  /// After AnyOf.
  [[nodiscard]] std::span<std::uint8_t> room() const noexcept {
    return outcome() == Outcome::kDone ? framer_.room() : std::span<std::uint8_t>();
  }

 private:
  bool poll() noexcept override;
};

class StagingFramer::NextBuffer final : public Refill {
 public:
  using Refill::Refill;
  Outcome await_resume() const noexcept { return outcome(); }
};

inline StagingFramer::Write StagingFramer::write() noexcept { return Write(*this); }
inline StagingFramer::NextBuffer StagingFramer::next_buffer() noexcept { return NextBuffer(*this); }

}  // namespace bab
