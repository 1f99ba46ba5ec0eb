#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace bab::detail {

class RingParties;

/// A flusher, as the writers of its rings know it. Set-up only.
class FrameTaker {
 public:
  explicit FrameTaker(std::uint32_t header_size) noexcept : header_size_(header_size) {}
  /// Bytes of headers that it writes in front of a frame's messages.
  [[nodiscard]] std::uint32_t header_size() const noexcept {
    return header_size_.load(std::memory_order_relaxed);
  }
  /// The most bytes of messages that its sink takes in a frame; the largest value: it doesn't say.
  [[nodiscard]] virtual std::uint32_t most_payload() const noexcept = 0;

 protected:
  ~FrameTaker() = default;
  void set_header_size(std::uint32_t bytes) noexcept {
    header_size_.store(bytes, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> header_size_;  // writers join on their own lcores
};

/// A shared writer's order, as its rings know it. Set-up only.
class RingOrder {
 public:
  RingOrder() noexcept = default;
  RingOrder(const RingOrder&) = delete;
  RingOrder& operator=(const RingOrder&) = delete;
  virtual ~RingOrder() = default;

 private:
  friend RingParties;
  /// No frame of it will come any more, and no flusher looks after it.
  [[nodiscard]] virtual bool is_over() const noexcept = 0;

  const FrameTaker* taker_ = nullptr;  // of all the writer's rings
};

/// A writer at its ring, for as long as it lives.
struct RingWriter {
  std::uint32_t header_size = 0;
  std::uint32_t payload_capacity = 0;
  std::shared_ptr<RingOrder> order{};  // a shared writer's
  RingWriter* next = nullptr;          // at that ring
};

/// Who is at a ring: its writers and its flusher. What they must have in common is checked when they meet, and the
/// orders of its frames are kept. Any thread: one lock for all rings, which no data path takes.
class RingParties {
 public:
  RingParties() noexcept = default;
  RingParties(const RingParties&) = delete;
  RingParties& operator=(const RingParties&) = delete;

  /// `empty`: no frame is in the ring, here as below. Throws Error, and then nothing has changed.
  void join(RingWriter& writer, bool empty);
  void leave(RingWriter& writer) noexcept;

  /// False: it is this ring's taker already. Throws Error, and then nothing has changed.
  bool take(const FrameTaker& taker, bool empty);
  void let_go() noexcept;

  /// Whether the ring's writers fit headers of that size and frames of that many bytes of messages: else throws Error.
  void check(std::uint32_t header_size, std::uint32_t most_payload) const;

  /// Of frames that may be in the ring.
  [[nodiscard]] std::vector<std::shared_ptr<RingOrder>> orders() const;

 private:
  void forget(bool empty) noexcept;
  void check_writers(std::uint32_t header_size, std::uint32_t most_payload) const;

  RingWriter* writers_ = nullptr;
  RingWriter left_;  // what frames of writers that have gone need
  bool has_left_ = false;
  const FrameTaker* taker_ = nullptr;
  std::vector<std::shared_ptr<RingOrder>> orders_;
};

}  // namespace bab::detail
