#include "engine_flowgen.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "flow_checker.hpp"
#include "flow_writer.hpp"
#include "flusher_poller.hpp"
#include "generator.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

using LocalFlow = FlowWriter<bab::LocalWriter>;
using SharedFlow = FlowWriter<bab::SharedWriter::Producer>;

/// Many writers, each with a flow of its own, into one session: --writers flows through one shared
/// writer or as many local ones, a flusher that sends them on the first port, a checker on the last
/// one.
class Flowgen final : public Job {
 public:
  Flowgen(const Options& options, Wiring& wiring)
      : header_(wiring.header(options, 0, 0)),
        shared_kind_(options.writer_kind == WriterKind::kShared) {
    bab::BufferPool& pool = wiring.tx_pool(0);
    bab::WriterOptions writer = writer_options(options, header_, wiring.port(0).mtu());
    check(options, writer, pool);
    auto flusher = std::make_unique<FlusherPoller>(wiring.port(0).tx(0), header_, options.burst);
    if (shared_kind_) shared_.emplace(pool, writer);
    auto& flows = stages.emplace_back();
    std::vector<bab::FrameRing*> all;
    const std::uint64_t senders = options.count > 0
                                      ? std::min<std::uint64_t>(options.writers, options.count)
                                      : options.writers;
    for (unsigned i = 0; i < options.writers; ++i) {
      rings_.push_back(std::make_unique<bab::FrameRing>(pool.size()));
      all.push_back(rings_.back().get());
      const std::uint64_t share =
          options.count / options.writers + (i < options.count % options.writers ? 1 : 0);
      if (options.count > 0 && share == 0) continue;
      const TokenBucket pace = share_of_rate(options, i, senders);
      writer.writer_id = i;
      if (shared_kind_) {
        flows.push_back(
            std::make_unique<SharedFlow>(options, i, share, pace, *shared_, *all.back()));
      } else {
        flows.push_back(
            std::make_unique<LocalFlow>(options, i, share, pace, pool, *all.back(), writer));
        flusher->flusher().add(*all.back());
      }
      flows.back()->works_with(pool);
    }
    if (shared_kind_) flusher->flusher().add_shared(all);
    flusher->works_with(pool);
    stages.emplace_back().push_back(std::move(flusher));
    const std::size_t in = wiring.ports() - 1;
    stages.emplace_back().push_back(std::make_unique<FlowChecker>(
        options, framer_options(options, wiring, in), wiring.rx_queues(in)));
    stages.back().back()->works_with(wiring.rx_pool(in));
    stages.back().back()->receives_on(in);
  }
  ~Flowgen() override {
    // Writers hand over what they hold, then the flusher frees it, then the rings may go.
    stages[0].clear();
    stages.clear();
  }

  void before_stop(std::size_t next) override {
    if (next == 2) checker().expect(flusher().sent());
  }

  void sum_up(Summary& summary) const override {
    std::vector<std::uint64_t> written;
    std::uint64_t messages = 0, frames = 0;
    for (const auto& p : stages[0]) {
      written.push_back(generated(*p));
      messages += written.back();
      const bab::WriterStats& stats = shared_kind_ ? static_cast<const SharedFlow&>(*p).stats()
                                                   : static_cast<const LocalFlow&>(*p).stats();
      frames += stats.frames;
      if (!shared_kind_ || summary.writers.empty()) {
        const std::size_t id = summary.writers.size();
        summary.writers.push_back({{static_cast<std::uint32_t>(id)}, {}});
      }
      summary.writers.back().stats += stats;
    }
    for (const bab::FlushedWriter& w : flusher().flusher().writers())
      if (w.id < summary.writers.size())
        summary.writers[w.id].flushed = w;
      else
        summary.writers.push_back({w, {}});
    flusher().sum_up(summary, messages, frames);
    checker().sum_up(summary, written);
    add_frames_row(summary);
    BusTotals& bus = summary.bus;
    const std::uint64_t given = bus.messages_out + summary.held.messages();
    const std::uint64_t lost = given - std::min(bus.messages_in, given);
    bus.lost += lost;
    // By the flows' own numbers: a corrupt message came, but none of its flow did.
    const std::uint64_t apart = bus.corrupt + messages - std::min(bus.messages_out, messages);
    summary.ledger.row("messages sent", bus.messages_out).out = {
        {"received", bus.messages_in},
        {"lost on the way", bus.missing - std::min(apart, bus.missing)}};
  }

 private:
  static void check(const Options& options, const bab::WriterOptions& writer,
                    const bab::BufferPool& pool) {
    const std::uint32_t most = writer.payload_capacity - 2;
    if (options.sizes.min() < sizeof(std::uint64_t))
      throw bab::Error(
          fmt::format("--msg-size={}: flowgen's messages carry their flow and number in 8 "
                      "bytes; give 8 or more",
                      options.sizes.min()));
    if (options.sizes.max() > most)
      throw bab::Error(
          fmt::format("--msg-size={}: a frame holds a message of at most {} bytes; raise "
                      "--mtu or lower --msg-size",
                      options.sizes.max(), most));
    // Each local writer has a frame open and a buffer set aside, and some must be on their way.
    const std::uint32_t held =
        2 * (options.writer_kind == WriterKind::kShared ? 1 : options.writers);
    if (pool.size() < held + 2)
      throw bab::Error(
          fmt::format("--writers={} hold {} buffers among them and the pool has {}; raise "
                      "--total-num-mbufs or lower --writers",
                      options.writers, held, pool.size()));
  }

  [[nodiscard]] std::uint64_t generated(const Poller& p) const {
    return shared_kind_ ? static_cast<const SharedFlow&>(p).generated()
                        : static_cast<const LocalFlow&>(p).generated();
  }
  [[nodiscard]] FlusherPoller& flusher() const {
    return static_cast<FlusherPoller&>(*stages[1][0]);
  }
  [[nodiscard]] FlowChecker& checker() const { return static_cast<FlowChecker&>(*stages[2][0]); }

  bab::wire::FrameHeader header_;
  bool shared_kind_;
  std::optional<bab::SharedWriter> shared_;
  std::vector<std::unique_ptr<bab::FrameRing>> rings_;
};

}  // namespace

std::unique_ptr<Job> make_flowgen(const Options& options, Wiring& wiring) {
  return std::make_unique<Flowgen>(options, wiring);
}

}  // namespace testbab
