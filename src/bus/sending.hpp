#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <bab/bus/publication.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/queues.hpp>

#include "loop.hpp"
#include "phase.hpp"

namespace bab::detail {

/// One of a publication's ends where messages are written, whatever its writer is.
class WritingEnd {
 public:
  WritingEnd(std::uint32_t ring, const AtomicBusPhase& phase) : ring_(ring), phase_(phase) {}
  WritingEnd(const WritingEnd&) = delete;
  WritingEnd& operator=(const WritingEnd&) = delete;
  virtual ~WritingEnd() = default;

  [[nodiscard]] FrameRing& ring() noexcept { return ring_; }
  /// Since kDrain: all that was written is handed over. Any thread. A61: pairs with R61 (poll()).
  [[nodiscard]] bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }
  /// When it is polled no more: a Reservation was not settled. The writer may not go then.
  [[nodiscard]] bool is_held() const noexcept { return asked_ && !finished(); }
  /// Frames that are complete, in any writer's share of them. When it is polled no more.
  [[nodiscard]] virtual std::uint64_t frames() const noexcept = 0;
  virtual void flush() noexcept = 0;
  /// A loop polls it from now on.
  virtual void poll_in(BusLoop& loop) = 0;

 protected:
  FrameRing ring_;
  const AtomicBusPhase& phase_;
  bool asked_ = false;  // polled since kDrain
  std::atomic<bool> finished_{false};
};

template <class Writer>
class WritingEndOf final : public WritingEnd {
 public:
  /// `from`: the pool and its WriterOptions, or the SharedWriter.
  WritingEndOf(std::uint32_t ring, const AtomicBusPhase& phase, BufferPool& pool,
               const WriterOptions& options)
      : WritingEnd(ring, phase), writer_(pool, ring_, options) {}
  WritingEndOf(std::uint32_t ring, const AtomicBusPhase& phase, SharedWriter& shared)
      : WritingEnd(ring, phase), writer_(shared, ring_) {}

  [[nodiscard]] Writer& writer() noexcept { return writer_; }
  [[nodiscard]] std::uint64_t frames() const noexcept override { return writer_.stats().frames; }
  void flush() noexcept override { writer_.flush(); }
  void poll_in(BusLoop& loop) override { loop.send_by(*this); }

  unsigned poll(std::uint64_t now_tsc) noexcept {
    // A60: pairs with R60 (Bus::Impl::enter()).
    if (phase_.load(std::memory_order_acquire) < BusPhase::kDrain) [[likely]]
      return writer_.poll(now_tsc);
    asked_ = true;
    writer_.flush();
    // R61: pairs with A61: the last frames are in the ring.
    finished_.store(writer_.idle(), std::memory_order_release);
    return 0;
  }

 private:
  Writer writer_;
};

/// A publication's way out, where it is flushed.
class Sending {
 public:
  Sending(TxQueue& queue, const wire::FrameHeader& header, const AtomicBusPhase& phase)
      : header_(header), flusher_(queue, header), phase_(phase) {}
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;

  void add(std::unique_ptr<WritingEnd> end) {
    flusher_.add(end->ring());
    ends_.push_back(std::move(end));
  }
  [[nodiscard]] const std::vector<std::unique_ptr<WritingEnd>>& ends() const noexcept {
    return ends_;
  }
  std::unique_ptr<SharedWriter>& shared() noexcept { return shared_; }

  unsigned poll(std::uint64_t now_tsc) noexcept {
    const unsigned work = flusher_.poll(now_tsc);
    // A60: pairs with R60.
    if (const BusPhase phase = phase_.load(std::memory_order_acquire); phase >= BusPhase::kDrain)
        [[unlikely]]
      finish(phase);
    return work;
  }

  /// Since kDrain: all is sent; since kDrop: or dropped. Any thread. A64: pairs with R64
  /// (finish()).
  [[nodiscard]] bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }

  /// When its loop has ended, and its writers' loops: its writers go, and what was not sent is
  /// dropped. False: writers with unsettled Reservations stay where they are for good.
  bool end() noexcept;

  /// What became of its frames, after end().
  struct Frames {
    std::uint64_t written, sent, dropped;
  };
  [[nodiscard]] Frames frames() const noexcept {
    return {written_, flusher_.stats().frames, flusher_.drops()[Drop::kTxFull]};
  }
  [[nodiscard]] const wire::FrameHeader& header() const noexcept { return header_; }
  [[nodiscard]] PublicationStats stats() const noexcept {
    const FlusherStats& s = flusher_.stats();
    return {s.messages, s.frames, s.dropped_messages};
  }

 private:
  void finish(BusPhase phase) noexcept;

  wire::FrameHeader header_;
  WriteFlusher<TxQueue> flusher_;
  const AtomicBusPhase& phase_;
  std::unique_ptr<SharedWriter> shared_;  // goes after its Producers
  std::vector<std::unique_ptr<WritingEnd>> ends_;
  std::uint64_t written_ = 0;
  std::atomic<bool> finished_{false};
};

}  // namespace bab::detail
