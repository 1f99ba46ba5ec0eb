#include <rte_cycles.h>

#include <bab/lcore/lcore.hpp>
#include <bab/message/reserve_wait.hpp>

#include "allocations.hpp"
#include "loop_engine.hpp"
#include "writer_rig.hpp"

namespace bench {
namespace {

/// Calls of operator new per message, over everything that carries messages. One part is the loop
/// engine on two lcores (writer, flusher, port, framer). The other part is coroutines that await
/// room for messages, and keep the messages as Packets.
class Allocations final : public Row, private WriterRig {
 public:
  Allocations() {
    lcore_.spawn([this] { return write(); });
  }
  ~Allocations() override {
    lcore_.request_stop();
    stopped_ = true;
    while (lcore_.tasks() > 0) lcore_.turn(rte_rdtsc());
  }

  Slice subject(double seconds) override {
    lcore_.turn(rte_rdtsc());  // the first turn takes the coroutines' memory from the heap
    const std::uint64_t before = allocations();
    const std::uint64_t received = engine_.messages();
    Slice slice;
    slice.interruptions = engine_.measure(seconds).interruptions;
    lcore_.turn(rte_rdtsc());
    const auto messages = static_cast<double>(engine_.messages() - received + kTurn);
    slice.ns = static_cast<double>(allocations() - before) / messages;
    return slice;
  }

 private:
  /// Writes one turn's messages each turn, and each message in a coroutine of its own.
  bab::Task<> write() {
    while (!stopped_) {
      for (std::int64_t i = 0; i < kTurn; ++i) co_await write_one();
      turn();
      co_await bab::Yield();
    }
  }
  bab::Task<> write_one() {
    auto room = co_await bab::reserve_wait(writer_, 32);
    message_.copy_to(room.data(), 32);
    const bab::Packet packet = room.commit_packet();
  }

  LoopEngine engine_{32};
  bab::Lcore lcore_;
  bool stopped_ = false;
};

}  // namespace

RowSpecs allocation_rows() {
  return {{"operator_new_per_message", "", "allocations/message", 0, Lcores::kTwo,
           [] { return std::make_unique<Allocations>(); }}};
}

}  // namespace bench
