#include "awaitables.hpp"

#include "awaitable_rigs.hpp"

namespace bab::test {

const std::vector<AnyRigParam>& all_awaitables() {
  static const std::vector<AnyRigParam> all{
      rig_of<AcquireRig>("Acquire"),
      rig_of<BulkRig>("AcquireBulk"),
      rig_of<WriteRig>("Write"),
      rig_of<NextBufferRig>("NextBuffer"),
      rig_of<ReserveRig<LocalBench>>("ReserveOfLocalWriter"),
      rig_of<ReserveRig<NoFlushBench>>("ReserveOfNoFlushWriter"),
      rig_of<ReserveRig<ProducerBench>>("ReserveOfProducer"),
      rig_of<FlushRig<LocalFlusher>>("FlushOfLocalWriter"),
      rig_of<FlushRig<ProducerFlusher>>("FlushOfProducer"),
      rig_of<SendRig<rte_mbuf*, rte_mbuf*>>("SendOfBuffers"),
      rig_of<SendRig<SendPacket, SendPacket>>("SendOfSendPackets"),
      rig_of<SendRig<SendPacket, Packet>>("SendOfPackets"),
      rig_of<ReceiveRig<rte_mbuf*>>("ReceiveOfBuffers"),
      rig_of<ReceiveRig<SendPacket>>("ReceiveOfSendPackets"),
      rig_of<SignalRig>("SignalWait"),
      rig_of<SleepRig>("Sleep"),
  };
  return all;
}

}  // namespace bab::test
