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
#include <bab/message/flush.hpp>

namespace bab {

/// Takes some frames from the front, in order, says how many, and owns those (one share each): a
/// port's TX queue, for one.
template <class S>
concept SendingSink = requires(S& sink, std::span<rte_mbuf*> frames) {
  { sink.send(frames) }
  noexcept->std::same_as<unsigned>;
};

/// A function in its place.
template <class S>
concept SendingFunction = std::is_nothrow_invocable_r_v<unsigned, S&, std::span<rte_mbuf*>>;

/// Looks at frames of one writer at a time, in order, and says how many from the front it is done
/// with. Those the flusher gives back to their pool: what is to stay becomes a Packet
/// (Flush::packet()). The rest is offered again, so that nothing is lost by leaving off.
template <class S>
concept FlushFunction =
    std::is_nothrow_invocable_r_v<unsigned, S&, std::span<const Flush>, std::uint32_t>;

/// A sink that is told of each turn of its flusher's in which nothing came and nothing went.
template <class S>
concept NearSink = requires(S& sink) {
  { sink.keep_near() }
  noexcept->std::same_as<void>;
};
/// A sink whose frames have a longest size: bytes of IP packet. It is asked when a ring is added to
/// its flusher.
template <class S>
concept LimitedSink = requires(const S& sink) {
  { sink.mtu() }
  noexcept->std::same_as<std::uint32_t>;
};
/// A sink that holds a number of frames at most, 0: not known. One that is full is asked again at a
/// pace (OfferPace).
template <class S>
concept BoundedSink = requires(const S& sink) {
  { sink.capacity() }
  noexcept->std::same_as<unsigned>;
};

namespace detail {
// Has no member of that name that the flusher would pass over for a const or a noexcept too few.
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

/// Where a WriteFlusher's frames go. Must not throw: functions must be noexcept. A member with the
/// name of one that a NearSink, a LimitedSink or a BoundedSink has must be as theirs.
template <class S>
concept FrameSink = detail::TakesFrames<S> && detail::NoOtherKeepNear<S> && detail::NoOtherMtu<S> &&
    detail::NoOtherCapacity<S>;

namespace detail {

/// How many of `frames` the sink took.
template <FlushFunction Sink>
unsigned offer_flushes(Sink& sink, std::span<rte_mbuf*> frames) noexcept {
  unsigned done = 0;
  while (done < frames.size()) {
    std::array<Flush, 32> run;  // of one writer's; 32 is a usual burst
    const std::uint32_t id = Flush(frames[done]).writer_id();
    std::size_t n = 0;
    for (; n < run.size() && done + n < frames.size(); ++n) {
      run[n] = Flush(frames[done + n]);
      if (run[n].writer_id() != id) break;
    }
    const auto taken = static_cast<unsigned>(
        std::min<std::size_t>(n, std::invoke(sink, std::span<const Flush>(run.data(), n), id)));
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
