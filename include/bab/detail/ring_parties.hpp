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
  /// The most bytes of messages in a frame that its sink takes; the largest value: the sink doesn't
  /// say. A copy: the caller may be on another lcore, and the sink may have gone.
  [[nodiscard]] std::uint32_t most_payload() const noexcept {
    return most_payload_.load(std::memory_order_relaxed);
  }

  /// Looks after an order of a ring that it takes. Called under the parties' lock, so that the
  /// order isn't forgotten before.
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
  // Atomic: writers join on their own lcores.
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
  /// Whether no frame of it will come any more and no flusher looks after it.
  [[nodiscard]] virtual bool is_over() const noexcept = 0;
  /// Whether frames that came wait in it. Called by a flusher that takes its ring, while no other
  /// flusher has it.
  [[nodiscard]] virtual bool holds_frames() const noexcept = 0;

  const FrameTaker* taker_ = nullptr;  // the flusher of all the writer's rings
  // Of the writer's frames.
  std::uint32_t header_size_ = 0;
  std::uint32_t payload_capacity_ = 0;
};

/// A writer at its ring, for as long as it lives.
struct RingWriter {
  std::uint32_t header_size = 0;
  std::uint32_t payload_capacity = 0;
  std::shared_ptr<RingOrder> order{};  // of a shared writer
  RingWriter* next = nullptr;          // the next one at that ring
};

/// The writers and the flusher of a ring. What they must have in common is checked when they meet.
/// The orders of the ring's frames are kept here. Any thread: there is one lock for all rings,
/// which no data path takes.
class RingParties {
 public:
  RingParties() noexcept = default;
  RingParties(const RingParties&) = delete;
  RingParties& operator=(const RingParties&) = delete;

  /// `empty`, here and below: no frame is in the ring. Throws Error; nothing has changed then.
  void join(RingWriter& writer, bool empty);
  void leave(RingWriter& writer) noexcept;

  /// From now on `taker` looks after the orders of frames that may be in the ring. False: it has
  /// taken this ring before. Throws Error; nothing has changed then.
  bool take(FrameTaker& taker, bool empty);
  void let_go() noexcept;

  /// Throws Error if the ring's writers don't fit headers of that size and frames of that many
  /// bytes of messages.
  void check(std::uint32_t header_size, std::uint32_t most_payload) const;

 private:
  void forget(bool empty) noexcept;
  void check_writers(std::uint32_t header_size, std::uint32_t most_payload) const;

  RingWriter* writers_ = nullptr;
  RingWriter left_;  // the sizes that frames of destroyed writers need
  bool has_left_ = false;
  const FrameTaker* taker_ = nullptr;
  std::vector<std::shared_ptr<RingOrder>> orders_;  // of frames that may be in the ring
};

/// Throws the Error of a flusher's begin_session(). Here, since headers throw nothing
/// (-fno-exceptions).
[[noreturn]] void throw_frames_under_way();

}  // namespace bab::detail
