#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace bab::detail {

class RingParties;
class RingOrder;

/// A flusher, as the writers of its rings know it. Set-up only.
class FrameTaker {
 public:
  explicit FrameTaker(std::uint32_t header_size) noexcept : header_size_(header_size) {}
  /// Bytes of headers that it writes in front of a frame's messages.
  [[nodiscard]] std::uint32_t header_size() const noexcept {
    return header_size_.load(std::memory_order_relaxed);
  }
  /// The most bytes of messages that its sink takes in a frame; the largest value: it doesn't say.
  /// A value: whoever asks may be another lcore, and the sink may have gone.
  [[nodiscard]] std::uint32_t most_payload() const noexcept {
    return most_payload_.load(std::memory_order_relaxed);
  }

  /// An order of a ring that it takes. Called with the parties' lock held, so that nobody forgets
  /// the order before.
  virtual void look_after(RingOrder& order) noexcept = 0;

 protected:
  ~FrameTaker() = default;
  void set_most_payload(std::uint32_t bytes) noexcept {
    most_payload_.store(bytes, std::memory_order_relaxed);
  }
  void set_header_size(std::uint32_t bytes) noexcept {
    header_size_.store(bytes, std::memory_order_relaxed);
  }

 private:
  // Writers join on their own lcores.
  std::atomic<std::uint32_t> header_size_;
  std::atomic<std::uint32_t> most_payload_{~std::uint32_t{0}};
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
  /// Frames that came wait in it. By who takes its ring, when no other flusher has it.
  [[nodiscard]] virtual bool holds_frames() const noexcept = 0;

  const FrameTaker* taker_ = nullptr;  // of all the writer's rings
  // Of the writer's frames.
  std::uint32_t header_size_ = 0;
  std::uint32_t payload_capacity_ = 0;
};

/// A writer at its ring, for as long as it lives.
struct RingWriter {
  std::uint32_t header_size = 0;
  std::uint32_t payload_capacity = 0;
  std::shared_ptr<RingOrder> order{};  // a shared writer's
  RingWriter* next = nullptr;          // at that ring
};

/// Who is at a ring: its writers and its flusher. What they must have in common is checked when
/// they meet, and the orders of its frames are kept. Any thread: one lock for all rings, which no
/// data path takes.
class RingParties {
 public:
  RingParties() noexcept = default;
  RingParties(const RingParties&) = delete;
  RingParties& operator=(const RingParties&) = delete;

  /// `empty`: no frame is in the ring, here as below. Throws Error, and then nothing has changed.
  void join(RingWriter& writer, bool empty);
  void leave(RingWriter& writer) noexcept;

  /// It looks after the orders of frames that may be in the ring from now on. False: it is this
  /// ring's taker already. Throws Error, and then nothing has changed.
  bool take(FrameTaker& taker, bool empty);
  void let_go() noexcept;

  /// Whether the ring's writers fit headers of that size and frames of that many bytes of messages:
  /// else throws Error.
  void check(std::uint32_t header_size, std::uint32_t most_payload) const;

 private:
  void forget(bool empty) noexcept;
  void check_writers(std::uint32_t header_size, std::uint32_t most_payload) const;

  RingWriter* writers_ = nullptr;
  RingWriter left_;  // what frames of writers that have gone need
  bool has_left_ = false;
  const FrameTaker* taker_ = nullptr;
  std::vector<std::shared_ptr<RingOrder>> orders_;  // of frames that may be in the ring
};

/// The Error of a flusher's begin_session(): here, since headers throw nothing (-fno-exceptions).
[[noreturn]] void throw_frames_under_way();

}  // namespace bab::detail
