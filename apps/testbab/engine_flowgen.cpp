#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "engine_table.hpp"
#include "flow_checker.hpp"
#include "flow_writer.hpp"
#include "flusher_poller.hpp"
#include "generator.hpp"
#include "ledger_rows.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

void require_room_for_numbers(const Options& options) {
  if (options.sizes.min() < sizeof(std::uint64_t))
    throw bab::Error(
        fmt::format("--msg-size={}: flowgen's messages carry their flow and number in 8 "
                    "bytes; give 8 or more",
                    options.sizes.min()));
}

/// Many flows into one session: --writers of them, through one shared writer or a local writer
/// each. A flusher sends them on the first port, a checker receives them on the last one.
class Flowgen final : public Job {
 public:
  Flowgen(const Options& options, Wiring& wiring)
      : header_(wiring.header(options, 0, 0)),
        shared_kind_(options.writer_kind == WriterKind::kShared),
        checker_(options, framer_options(options, wiring, wiring.ports() - 1),
                 wiring.rx_queues(wiring.ports() - 1)),
        flusher_(wiring.port(0).tx(0), header_, options.burst) {
    bab::BufferPool& pool = wiring.tx_pool(0);
    bab::WriterOptions writer = writer_options(options, header_, wiring.port(0).mtu());
    check(options, writer, pool);
    if (shared_kind_) shared_.emplace(pool, writer);
    std::vector<bab::FrameRing*> all;
    const std::uint64_t senders = options.count > 0
                                      ? std::min<std::uint64_t>(options.writers, options.count)
                                      : options.writers;
    for (unsigned i = 0; i < options.writers; ++i) {
      bab::FrameRing& ring = *rings_.emplace_back(std::make_unique<bab::FrameRing>(pool.size()));
      all.push_back(&ring);
      const std::uint64_t share =
          options.count / options.writers + (i < options.count % options.writers ? 1 : 0);
      if (options.count > 0 && share == 0) continue;
      const TokenBucket pace = share_of_rate(options, i, senders);
      writer.writer_id = i;
      if (shared_kind_) {
        flows_.push_back(std::make_unique<FlowWriter<bab::SharedWriter::Producer>>(
            options, i, share, pace, *shared_, ring));
      } else {
        flows_.push_back(std::make_unique<FlowWriter<bab::LocalWriter>>(options, i, share, pace,
                                                                        pool, ring, writer));
        flusher_.flusher().add(ring);
      }
      flows_.back()->works_with(pool);
    }
    if (shared_kind_) flusher_.flusher().add_shared(all);
    flusher_.works_with(pool);
    checker_.works_with(wiring.rx_pool(wiring.ports() - 1));
    checker_.receives_on(wiring.ports() - 1);
    checker_.judge_only({header_.session()});
    add_stage(flows_);
    add_stage(flusher_);
    add_stage(checker_);
  }

  void before_stop(std::size_t next) override {
    if (next == 2) checker_.expect(flusher_.sent());
  }

  void sum_up(Summary& summary) const override {
    std::vector<std::uint64_t> written;
    std::uint64_t messages = 0, frames = 0;
    for (const auto& flow : flows_) {
      written.push_back(flow->generated());
      messages += written.back();
      frames += flow->stats().frames;
      if (!shared_kind_ || summary.writers.empty()) {
        const std::size_t id = summary.writers.size();
        summary.writers.push_back({{static_cast<std::uint32_t>(id)}, {}});
      }
      summary.writers.back().stats += flow->stats();
    }
    for (const bab::FlushedWriter& w : flusher_.flusher().writers())
      if (w.id < summary.writers.size())
        summary.writers[w.id].flushed = w;
      else
        summary.writers.push_back({w, {}});
    flusher_.sum_up(summary, messages, frames);
    checker_.sum_up(summary, written);
    add_frames_row(summary);
    BusTotals& bus = summary.bus;
    const std::uint64_t given = bus.messages_out + summary.held.messages();
    const std::uint64_t lost = given - std::min(checker_.own(), given);
    bus.lost += lost;
    // `missing` is by the flows' own numbers: a corrupt message came, but is missing in its flow.
    const std::uint64_t apart = bus.corrupt + messages - std::min(bus.messages_out, messages);
    summary.ledger.row("messages sent", bus.messages_out).out = {
        {"received", checker_.own()},
        {"lost on the way", bus.missing - std::min(apart, bus.missing)}};
  }

 private:
  static void check(const Options& options, const bab::WriterOptions& writer,
                    const bab::BufferPool& pool) {
    const std::uint32_t most = writer.payload_capacity - 2;
    require_room_for_numbers(options);
    if (options.sizes.max() > most)
      throw bab::Error(
          fmt::format("--msg-size={}: a frame holds a message of at most {} bytes; raise "
                      "--mtu or lower --msg-size",
                      options.sizes.max(), most));
    // Each local writer has a frame open and a buffer set aside; some buffers must be on their way.
    const std::uint32_t held =
        2 * (options.writer_kind == WriterKind::kShared ? 1 : options.writers);
    if (pool.size() < held + 2)
      throw bab::Error(
          fmt::format("--writers={} hold {} buffers among them and the pool has {}; raise "
                      "--total-num-mbufs or lower --writers",
                      options.writers, held, pool.size()));
  }

  bab::wire::FrameHeader header_;
  bool shared_kind_;
  std::optional<bab::SharedWriter> shared_;
  // Destroyed from the last to the first: writers hand over what they hold, then the flusher frees
  // it, then the rings may go.
  std::vector<std::unique_ptr<bab::FrameRing>> rings_;
  FlowChecker checker_;
  FlusherPoller flusher_;
  std::vector<std::unique_ptr<Flow>> flows_;
};

}  // namespace

constinit const Engine kFlowgenEngine{
    .name = "flowgen",
    .help = "many writers into one session, each one's order checked by the receiver",
    .loopback_ports = 1,
    .makes_messages = true,
    .port_use = "a port to send and receive on",
    .most_ports = 2,
    .session = "TESTBABF",
    .make = make_job<Flowgen>,
    .require = require_room_for_numbers};

}  // namespace testbab
