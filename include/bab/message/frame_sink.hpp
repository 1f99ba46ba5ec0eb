#pragma once

#include <bab/detail/build.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>

#include <rte_mbuf.h>

#include <bab/memory/buffer_pool.hpp>
#include <bab/message/complete_frame.hpp>

namespace bab {

/// Takes frames from the front, in order, and returns how many. It then owns those (one share
/// each). A port's TX queue is one.
template <class S>
concept SendingSink = requires(S& sink, std::span<rte_mbuf*> frames) {
  { sink.send(frames) }
  noexcept->std::same_as<unsigned>;
};

/// A function that does the same.
template <class S>
concept SendingFunction = std::is_nothrow_invocable_r_v<unsigned, S&, std::span<rte_mbuf*>>;

/// A function that reads frames of one writer at a time, in order, and returns how many from the
/// front it is done with. The flusher returns these to their pool: make a Packet of what must stay
/// (CompleteFrame::packet()). The flusher offers the other frames again: nothing is lost if the
/// function stops early.
template <class S>
concept FlushFunction =
    std::is_nothrow_invocable_r_v<unsigned, S&, std::span<const CompleteFrame>, std::uint32_t>;

/// A sink whose keep_near() the flusher calls in each turn in which no frame came, went or waits.
template <class S>
concept NearSink = requires(S& sink) {
  { sink.keep_near() }
  noexcept->std::same_as<void>;
};
/// A sink with a limit for frames: mtu(), in bytes of IP packet. The flusher asks when a ring is
/// added to it.
template <class S>
concept LimitedSink = requires(const S& sink) {
  { sink.mtu() }
  noexcept->std::same_as<std::uint32_t>;
};
/// A sink that holds at most capacity() frames; 0: not known. While it is full, the flusher offers
/// frames to it at a pace (OfferPace).
template <class S>
concept BoundedSink = requires(const S& sink) {
  { sink.capacity() }
  noexcept->std::same_as<unsigned>;
};

namespace detail {
// A member of this name with another signature (a const or noexcept is missing) is an error: the
// flusher would silently not use it.
template <class S>
concept NoOtherKeepNear = NearSink<S> || !requires {
  &S::keep_near;
};
template <class S>
concept NoOtherMtu = LimitedSink<S> || !requires {
  &S::mtu;
};
template <class S>
concept NoOtherCapacity = BoundedSink<S> || !requires {
  &S::capacity;
};
template <class S>
concept TakesFrames = SendingSink<S> || SendingFunction<S> || FlushFunction<S>;
}  // namespace detail

/// Where a WriteFlusher's frames go. A sink's functions must be noexcept. A member named keep_near,
/// mtu or capacity must have the signature that NearSink, LimitedSink or BoundedSink asks for.
template <class S>
concept FrameSink = detail::TakesFrames<S> && detail::NoOtherKeepNear<S> && detail::NoOtherMtu<S> &&
    detail::NoOtherCapacity<S>;

namespace detail {

/// Returns how many of `frames` the sink took.
template <FlushFunction Sink>
unsigned offer_flushes(Sink& sink, std::span<rte_mbuf*> frames) noexcept {
  unsigned done = 0;
  while (done < frames.size()) {
    std::array<CompleteFrame, 32> run;  // of one writer; 32 is a usual burst
    const std::uint32_t id = CompleteFrame(frames[done]).writer_id();
    std::size_t n = 0;
    for (; n < run.size() && done + n < frames.size(); ++n) {
      run[n] = CompleteFrame(frames[done + n]);
      if (run[n].writer_id() != id) break;
    }
    const auto taken = static_cast<unsigned>(std::min<std::size_t>(
        n, std::invoke(sink, std::span<const CompleteFrame>(run.data(), n), id)));
    BufferPool::release(std::span<rte_mbuf* const>(frames.data() + done, taken));
    done += taken;
    if (taken < n) break;
  }
  return done;
}

template <FrameSink Sink>
unsigned offer(Sink& sink, std::span<rte_mbuf*> frames) noexcept {
  if constexpr (SendingSink<Sink>)
    return sink.send(frames);
  else if constexpr (SendingFunction<Sink>)
    return std::invoke(sink, frames);
  else
    return offer_flushes(sink, frames);
}

}  // namespace detail
}  // namespace bab
