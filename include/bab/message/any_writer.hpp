#pragma once

#include <bab/detail/build.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <rte_mbuf.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/frame_ring.hpp>
#include <bab/message/reservation.hpp>
#include <bab/message/reserve_line.hpp>
#include <bab/message/writer_options.hpp>

namespace bab {

class TaskNotes;
template <class Writer>
class ReserveWait;
template <class Writer>
class ReserveWaiting;
template <class Writer>
class FlushWait;

template <>
struct WriterRef<AnyWriter> {
  using type = AnyWriter;
};

/// What a LocalWriter, a SharedWriter's Producer and a NoFlushWriter are: all that an AnyWriter refers to. Not a
/// const one, which can't reserve; nor a class of your own around one, which lacks what they don't show: give the
/// writer inside.
template <class W>
concept MessageWriter =
    !std::same_as<W, AnyWriter> && !std::is_const_v<W> &&
    requires(W & writer, const W& same, std::uint32_t len, std::uint64_t now_tsc) {
  typename W::IsMessageWriter;
  { writer.reserve(len) }
  noexcept->std::same_as<typename W::Reservation>;
  { writer.flush() }
  noexcept->std::same_as<void>;
  { writer.poll(now_tsc) }
  noexcept->std::same_as<unsigned>;
  { same.idle() }
  noexcept->std::same_as<bool>;
  { same.max_message() }
  noexcept->std::same_as<std::uint32_t>;
  { same.stats() }
  noexcept->std::same_as<const WriterStats&>;
};

/// Any kind of writer behind one face: a LocalWriter, a SharedWriter's Producer, a NoFlushWriter. For code that
/// mustn't be a template over it.
///
///     void log(bab::AnyWriter writer, std::string_view line);
///     log(local, "…");  log(producer, "…");
///
/// Two pointers, copied freely; it refers to a writer that must outlive it and its Reservations, and is used on
/// that writer's lcore. It never allocates. Its cost is an indirect call for each of reserve, commit and
/// abort, which the compiler can't inline: 71 instructions a message where a LocalWriter takes 22 (callgrind, g++ -O3,
/// 32 bytes and their copy).
class AnyWriter {
 public:
  using Reservation = BasicReservation<AnyWriter>;
  static constexpr bool kTakesInline = false;  ///< as a LocalWriter's

  /// Refers to none: nothing but a comparison with null may be done with it.
  AnyWriter(std::nullptr_t = nullptr) noexcept {}
  template <MessageWriter Writer>
  AnyWriter(Writer& writer) noexcept : self_(&writer), face_(&kFaceOf<Writer>) {}

  [[nodiscard]] explicit operator bool() const noexcept { return self_ != nullptr; }

  // What these do is said at the writers.
  [[nodiscard]] Reservation reserve(std::uint32_t len) noexcept;
  template <class Self = AnyWriter>
  [[nodiscard]] ReserveWait<Self> reserve_wait(std::uint32_t len) noexcept {
    return ReserveWait<Self>(*this, len);
  }
  void flush() noexcept { face_->flush(self_); }
  /// Of a NoFlushWriter: kSent at once, for nothing is on its way.
  template <class Self = AnyWriter>
  [[nodiscard]] FlushWait<Self> flush_wait() noexcept {
    return FlushWait<Self>(*this);
  }
  unsigned poll(std::uint64_t now_tsc) noexcept { return face_->poll(self_, now_tsc); }
  [[nodiscard]] bool idle() const noexcept { return face_->idle(self_); }
  [[nodiscard]] std::uint32_t max_message() const noexcept { return face_->max_message(self_); }
  [[nodiscard]] const WriterStats& stats() const noexcept { return face_->stats(self_); }

 private:
  friend Reservation;
  friend class ReserveWait<AnyWriter>;
  friend class ReserveWaiting<AnyWriter>;
  friend class FlushWait<AnyWriter>;

  /// A Reservation without its writer.
  struct Room {
    rte_mbuf* frame;
    std::uint8_t* data;
    std::uint32_t len;
    ReserveFailure failure;
  };
  struct Face {
    Room (*reserve)(void*, std::uint32_t) noexcept;
    void (*settle)(void*, rte_mbuf*, std::uint8_t*, std::uint32_t, std::uint32_t) noexcept;
    void (*abort)(void*, rte_mbuf*, std::uint8_t*, std::uint32_t) noexcept;
    Packet (*packet_of)(void*, rte_mbuf*, const std::uint8_t*, std::uint32_t) noexcept;
    void (*flush)(void*) noexcept;
    unsigned (*poll)(void*, std::uint64_t) noexcept;
    bool (*idle)(const void*) noexcept;
    std::uint32_t (*max_message)(const void*) noexcept;
    const WriterStats& (*stats)(const void*) noexcept;
    BufferPool& (*pool)(void*) noexcept;
    ReserveLine& (*line)(void*) noexcept;
    FlushMark (*begin_flush)(void*) noexcept;
    bool (*has_flushed)(void*, FlushMark&) noexcept;
    bool (*has_dropped)(void*, const FlushMark&, TaskNotes*) noexcept;
  };
  /// Whether the writer's frames go to a flusher. The awaitable's type may be incomplete here.
  template <class Writer>
  static constexpr bool kFlushes = requires(Writer& w) {
    typename std::type_identity<decltype(w.flush_wait())>;
  };

  template <class Writer>
  static Writer& at(void* self) noexcept {
    return *static_cast<Writer*>(self);
  }
  template <class Writer>
  static const Writer& at(const void* self) noexcept {
    return *static_cast<const Writer*>(self);
  }
  template <class Writer>
  static Room reserve_at(void* self, std::uint32_t len) noexcept {
    auto r = at<Writer>(self).reserve(len);
    r.writer_ = nullptr;  // it goes on as an AnyWriter's
    if (!r.data_) return {nullptr, nullptr, 0, r.failure_};
    return {r.frame_, r.data_, r.len_, ReserveFailure::kNone};
  }
  template <class Writer>
  static void settle_at(void* self, rte_mbuf* frame, std::uint8_t* data, std::uint32_t len,
                        std::uint32_t keep) noexcept {
    at<Writer>(self).settle(frame, data, len, keep);
  }
  template <class Writer>
  static void abort_at(void* self, rte_mbuf* frame, std::uint8_t* data,
                       std::uint32_t len) noexcept {
    at<Writer>(self).abort(frame, data, len);
  }
  template <class Writer>
  static Packet packet_at(void* self, rte_mbuf* frame, const std::uint8_t* data,
                          std::uint32_t len) noexcept {
    return at<Writer>(self).packet_of(frame, data, len);
  }
  template <class Writer>
  static BufferPool& pool_at(void* self) noexcept {
    return at<Writer>(self).pool();
  }
  template <class Writer>
  static ReserveLine& line_at(void* self) noexcept {
    return at<Writer>(self).line();
  }
  template <class Writer>
  static FlushMark begin_flush_at(void* self) noexcept {
    if constexpr (kFlushes<Writer>) return at<Writer>(self).begin_flush();
    at<Writer>(self).flush();
    return {};
  }
  template <class Writer>
  static bool has_flushed_at(void* self, FlushMark& mark) noexcept {
    if constexpr (kFlushes<Writer>) return at<Writer>(self).has_flushed(mark);
    return true;
  }
  template <class Writer>
  static bool has_dropped_at(void* self, const FlushMark& mark, TaskNotes* task) noexcept {
    if constexpr (kFlushes<Writer>) return at<Writer>(self).has_dropped(mark, task);
    return false;
  }
  template <class Writer>
  static constexpr Face kFaceOf = {
      reserve_at<Writer>,
      settle_at<Writer>,
      abort_at<Writer>,
      packet_at<Writer>,
      [](void* self) noexcept { at<Writer>(self).flush(); },
      [](void* self, std::uint64_t now) noexcept { return at<Writer>(self).poll(now); },
      [](const void* self) noexcept { return at<Writer>(self).idle(); },
      [](const void* self) noexcept { return at<Writer>(self).max_message(); },
      [](const void* self) noexcept -> const WriterStats& { return at<Writer>(self).stats(); },
      pool_at<Writer>,
      line_at<Writer>,
      begin_flush_at<Writer>,
      has_flushed_at<Writer>,
      has_dropped_at<Writer>,
  };

  // As a BasicReservation's reference to its writer, and a wait's.
  AnyWriter* operator->() noexcept { return this; }
  void settle(rte_mbuf* frame, std::uint8_t* data, std::uint32_t len, std::uint32_t keep) noexcept {
    face_->settle(self_, frame, data, len, keep);
  }
  void abort(rte_mbuf* frame, std::uint8_t* data, std::uint32_t len) noexcept {
    face_->abort(self_, frame, data, len);
  }
  Packet packet_of(rte_mbuf* frame, const std::uint8_t* data, std::uint32_t len) noexcept {
    return face_->packet_of(self_, frame, data, len);
  }
  BufferPool& pool() noexcept { return face_->pool(self_); }
  ReserveLine& line() noexcept { return face_->line(self_); }
  FlushMark begin_flush() noexcept { return face_->begin_flush(self_); }
  bool has_flushed(FlushMark& mark) noexcept { return face_->has_flushed(self_, mark); }
  bool has_dropped(const FlushMark& mark, TaskNotes* task) noexcept {
    return face_->has_dropped(self_, mark, task);
  }

  void* self_ = nullptr;
  const Face* face_ = nullptr;
};

inline auto AnyWriter::reserve(std::uint32_t len) noexcept -> Reservation {
  const Room room = face_->reserve(self_, len);
  if (room.data == nullptr) return Reservation(room.failure);
  return Reservation(*this, room.frame, room.data, room.len);
}

}  // namespace bab
