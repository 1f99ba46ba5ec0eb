#include <rte_cycles.h>

#include <bab/lcore/lcore.hpp>
#include <bab/message/reserve_wait.hpp>

#include "opaque.hpp"
#include "writer_rig.hpp"

namespace bench {
namespace {

class LocalWriterRow : public WriterRig {
 public:
  using WriterRig::WriterRig;

  void subject(benchmark::State& state) { write_all(state); }

  void floor(benchmark::State& state) {
    std::uint32_t len = message_.size();
    hide(len);
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) {
        std::uint8_t* data = buffers_.room(len);
        message_.copy_to(data, len);
        bab::wire::store_be(data - 2, static_cast<std::uint16_t>(len));
      }
      clobber();
    }
  }

 private:
  CyclingBuffers buffers_;
};

/// The same with a length that the compiler knows. The copy is then one instruction, and the rest
/// is the writer's own work. The row has no goal, but hides nothing.
class ConstantLength : public WriterRig {
 public:
  void subject(benchmark::State& state) {
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) write(32);
      turn();
    }
  }

  void floor(benchmark::State& state) {
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) {
        std::uint8_t* data = buffers_.room(32);
        message_.copy_to(data, 32);
        bab::wire::store_be(data - 2, std::uint16_t{32});
        clobber();
      }
    }
  }

 private:
  CyclingBuffers buffers_;
};

class Coroutine : public WriterRig {
 public:
  void subject(benchmark::State& state) {
    lcore_.spawn([this, &state] { return await_all(state); });
    while (lcore_.tasks() > 0) lcore_.turn(rte_rdtsc());
  }
  void floor(benchmark::State& state) { write_all(state); }

 private:
  bab::Task<> await_all(benchmark::State& state) {
    std::uint32_t len = message_.size();
    hide(len);
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) {
        auto room = co_await bab::reserve_wait(writer_, len);
        message_.copy_to(room.data(), len);
        room.commit();
      }
      turn();
    }
  }

  bab::Lcore lcore_;
};

class WithPacket : public WriterRig {
 public:
  void subject(benchmark::State& state) {
    std::uint32_t len = message_.size();
    hide(len);
    while (state.KeepRunningBatch(kTurn)) {
      for (std::int64_t i = 0; i < kTurn; ++i) {
        auto room = writer_.reserve(len);
        message_.copy_to(room.data(), len);
        const bab::Packet packet = room.commit_packet();
        use(packet.data());
      }
      turn();
    }
  }
  void floor(benchmark::State& state) { write_all(state); }
};

}  // namespace

RowSpecs writer_rows() {
  return {
      {"local_writer_32", "memcpy of 32 bytes into cycling buffers and a 2-byte store",
       "ns/message", 1.25, Lcores::kOne, [] { return one_lcore<LocalWriterRow>(); }},
      {"local_writer_32_constant", "the same with a length known to the compiler", "ns/message", 0,
       Lcores::kOne, one_lcore<ConstantLength>},
      {"local_writer_coro_32", "local_writer_32", "ns/message", 1.1, Lcores::kOne,
       one_lcore<Coroutine>},
      {"local_writer_packet_32", "local_writer_32", "ns/message", 2.0, Lcores::kOne,
       one_lcore<WithPacket>},
  };
}

}  // namespace bench
