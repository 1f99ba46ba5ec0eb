#include <atomic>

#include <bab/message/shared_writer.hpp>

#include "opaque.hpp"
#include "two_lcores.hpp"
#include "writer_rig.hpp"

namespace bench {
namespace {

class alignas(64) Line {
 public:
  std::atomic<std::uint64_t> word{0};
};

constexpr bab::WriterOptions kOptions{kPayloadBytes, kHeaderBytes, {}, 0};

/// One lcore's part of the shared writer. Its frames are freed once per turn.
class Writer {
 public:
  Writer(bab::SharedWriter& shared, std::uint32_t buffers)
      : ring_(buffers), producer_(shared, ring_) {}

  void turn() noexcept {
    producer_.poll(0);
    free_frames(ring_);
    bab::BufferPool::relieve();
  }

  /// False: there is no buffer now.
  bool write(const Message& message, std::uint32_t len) noexcept {
    auto room = producer_.reserve(len);
    if (!room) [[unlikely]]
      return false;
    message.copy_to(room.data(), len);
    room.commit();
    return true;
  }

  void flush() noexcept {
    producer_.flush();
    free_frames(ring_);
  }

 private:
  bab::FrameRing ring_;
  bab::SharedWriter::Producer producer_;
};

class OneLcore : public WriterRig {
 public:
  ~OneLcore() { shared_.flush(); }

  void subject(benchmark::State& state) {
    std::uint32_t len = message_.size();
    hide(len);
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) (void)shared_.write(message_, len);
      shared_.turn();
    }
  }

  void floor(benchmark::State& state) {
    std::uint32_t len = message_.size();
    hide(len);
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) {
        use(lines_[0].word.fetch_add(len, std::memory_order_acq_rel));
        write(len);
        use(lines_[1].word.fetch_add(len, std::memory_order_acq_rel));
      }
      turn();
    }
  }

 private:
  std::array<Line, 2> lines_;
  bab::BufferPool shared_pool_{pool_options(512, kJumboRoom)};
  bab::SharedWriter writer_of_all_{shared_pool_, kOptions};
  Writer shared_{writer_of_all_, 512};
};

/// Both lcores write as fast as they can. Nanoseconds per message, counting both lcores' messages.
class TwoLcores final : public Row {
 public:
  ~TwoLcores() override {
    for (Writer* w : {&mine_, &theirs_}) w->flush();
  }

  Slice subject(double seconds) override {
    return both(seconds, [this](bool mine, const auto& goes_on) {
      Writer& writer = mine ? mine_ : theirs_;
      std::uint32_t len = message_.size();
      hide(len);
      std::uint64_t done = 0;
      while (goes_on(done)) {
        for (unsigned i = 0; i < kBatch; ++i) done += writer.write(message_, len) ? 1 : 0;
        writer.turn();
      }
    });
  }

  Slice floor(double seconds) override {
    return both(seconds, [this](bool mine, const auto& goes_on) {
      std::uint8_t* const to = rte_pktmbuf_mtod(mine ? buffers_[0] : buffers_[1], std::uint8_t*);
      std::uint32_t len = message_.size();
      hide(len);
      std::uint64_t done = 0;
      while (goes_on(done)) {
        for (unsigned i = 0; i < kBatch; ++i) {
          // Each side has its own buffers: only the two words are shared.
          const auto at = lines_[0].word.fetch_add(len + 2, std::memory_order_acq_rel) % 8192;
          message_.copy_to(to + at, len);
          use(lines_[1].word.fetch_add(len + 2, std::memory_order_acq_rel));
        }
        done += kBatch;
      }
    });
  }

 private:
  static constexpr unsigned kBatch = 64;

  template <class Work>
  Slice both(double seconds, const Work& work) {
    Stretch stretch(seconds);
    alignas(64) std::atomic<std::uint64_t> theirs{0};
    Slice slice;
    slice.interruptions = on_two_lcores(
        [&] {
          work(true, [&](std::uint64_t mine) {
            return stretch.goes_on(mine + theirs.load(std::memory_order_relaxed));
          });
        },
        [&](const std::atomic<bool>& stop) {
          work(false, [&](std::uint64_t done) {
            theirs.store(done, std::memory_order_relaxed);
            return !stop.load(std::memory_order_acquire);
          });
        });
    slice.ns = stretch.ns();
    return slice;
  }

  Message message_;
  std::array<Line, 2> lines_;
  bab::BufferPool pool_{pool_options(512, kJumboRoom)};
  std::array<rte_mbuf*, 2> buffers_{pool_.try_acquire(), pool_.try_acquire()};
  bab::SharedWriter writer_{pool_, kOptions};
  Writer mine_{writer_, 512}, theirs_{writer_, 512};
};

}  // namespace

RowSpecs shared_writer_rows() {
  return {
      {"shared_writer_32", "two atomic fetch_adds and local_writer_32", "ns/message", 1.2,
       Lcores::kOne, one_lcore<OneLcore>},
      {"shared_writer_32_two_lcores", "two shared fetch_adds on two lines and a copy of 32 bytes",
       "ns/message", 1.3, Lcores::kTwo, [] { return std::make_unique<TwoLcores>(); }}};
}

}  // namespace bench
