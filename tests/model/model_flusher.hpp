#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <bab/message/write_flusher.hpp>
#include <bab/wire/endian.hpp>

#include "explorer.hpp"
#include "kept_if_failed.hpp"
#include "model_shared_writer.hpp"
#include "watched_pool.hpp"

namespace bab::test::model {

/// What the producers hand over, each by its own ring, a string for each. Numbers are frames of a
/// shared writer.
/// A space separates two hand-overs, a comma two frames of the same hand-over.
/// "8-70" is all frames from 8 to 70.
/// "e" after a number: the frame is empty.
/// "!" in front: these are frames of the producer's own writer, in order.
struct FlusherPlan {
  std::vector<std::string_view> producers;
  unsigned burst;
  unsigned refusals;  ///< how often the sink may take one frame fewer than it is offered
  Bounds bounds;
};

inline std::string named(const FlusherPlan& plan) {
  std::string name;
  for (std::string_view each : plan.producers) name += "[" + std::string(each) + "] ";
  return name + "in bursts of " + std::to_string(plan.burst);
}

/// The threads are the producers, then the flusher. The frames of each writer must leave in their
/// order, each once, and their messages must be numbered without a gap.
template <class F>
class FlusherScenario {
  using Ring = BasicFrameRing<ModelAtom>;

 public:
  FlusherScenario(BufferPool& pool, const FlusherPlan& plan)
      : pool_(pool), plan_(plan), sink_{this, plan.refusals} {
    flusher_ = std::make_unique<Flusher>(sink_, wire::FrameHeader({}), plan.burst);
    std::vector<Ring*> shared;
    for (std::size_t i = 0; i < plan.producers.size(); ++i) {
      rings_.push_back(std::make_unique<Ring>(pool.size()));
      const bool own = plan.producers[i].starts_with('!');
      if (!own) shared.push_back(rings_.back().get());
      if (own) flusher_->add(*rings_.back());
      batches_.push_back(
          batches(plan.producers[i].substr(own ? 1 : 0), own ? 100 + unsigned(i) : 0));
    }
    flusher_->add_shared(shared);
  }

  void thread(unsigned i) {
    if (i == rings_.size()) return flush();
    for (const auto& batch : batches_[i])
      if (rings_[i]->push(batch) != batch.size()) Machine::fail("the ring is full");
    ++ended_producers_;
  }

  std::optional<std::string> check() {
    for (const auto& [writer, numbers] : sink_.came)
      for (std::size_t i = 1; i < numbers.size(); ++i)
        if (numbers[i] <= numbers[i - 1]) return "out of order";
    if (sink_.messages != full_) return "not all came";
    if (flusher_->next_sequence() != 1 + full_) return "numbered otherwise";
    if (!flusher_->idle()) return "something is left";
    flusher_.reset();
    if (pool_.available() != pool_.size()) return "the pool is not full again";
    return std::nullopt;
  }

 private:
  struct Sink {
    unsigned send(std::span<rte_mbuf*> frames) noexcept {
      auto n = static_cast<unsigned>(frames.size());
      if (refusals > 0 && Machine::choose(2) == 1) {
        --refusals;
        --n;
      }
      for (rte_mbuf* m : frames.first(n)) {
        const BufferMeta& meta = buffer_meta(m);
        // Before the payload: the session, the sequence number (8 bytes) and the count (2 bytes).
        const std::uint8_t* payload = rte_pktmbuf_mtod(m, const std::uint8_t*) + kModelHeader;
        if (wire::load_be<std::uint64_t>(payload - 10) != 1 + messages)
          Machine::fail("a gap in the numbers");
        if (meta.messages == 0) Machine::fail("an empty frame was sent");
        came[meta.writer_id].push_back(meta.number);
        messages += meta.messages;
        BufferPool::release(m);
      }
      return n;
    }
    FlusherScenario* scenario;
    unsigned refusals;
    std::map<std::uint32_t, std::vector<std::uint64_t>> came{};
    std::uint64_t messages = 0;
  };
  using Flusher = typename F::template WriteFlusher<Sink, ModelAtom>;
  using Order = typename F::template FrameOrder<ModelAtom>;

  std::vector<std::vector<rte_mbuf*>> batches(std::string_view text, std::uint32_t writer_id) {
    std::vector<std::vector<rte_mbuf*>> all(1);
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
      char* next;
      const auto first = std::strtoul(at, &next, 10);
      auto last = first;
      if (next < end && *next == '-') last = std::strtoul(next + 1, &next, 10);
      const bool empty = next < end && *next == 'e';
      if (empty) ++next;
      for (auto number = first; number <= last; ++number)
        all.back().push_back(frame(number, writer_id, empty));
      if (next < end && *next == ' ') all.emplace_back();
      at = next + 1;
    }
    return all;
  }

  rte_mbuf* frame(std::uint64_t number, std::uint32_t writer_id, bool empty) {
    rte_mbuf* m = pool_.try_acquire();
    BufferMeta& meta = buffer_meta(m);
    meta.writer_id = writer_id;
    meta.number = number;
    meta.order = writer_id == 0 ? &order_ : nullptr;
    meta.next = nullptr;
    meta.messages = empty ? 0 : 1;
    meta.payload_len = empty ? 0 : 3;
    m->data_len = static_cast<std::uint16_t>(kModelHeader + meta.payload_len);
    m->pkt_len = m->data_len;
    full_ += meta.messages;
    return m;
  }

  void flush() {
    const std::function<bool()> something = [this] {
      return ended_producers_ == rings_.size() ||
             std::any_of(rings_.begin(), rings_.end(),
                         [](const auto& r) { return r->state()->queue().unread() > 0; });
    };
    while (true) {
      Machine::wait_until(something);
      const bool all = ended_producers_ == rings_.size();
      if (flusher_->poll() == 0 && flusher_->pending() == 0 && all) return;
    }
  }

  BufferPool& pool_;
  const FlusherPlan& plan_;
  Sink sink_;
  Order order_;
  std::unique_ptr<Flusher> flusher_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<std::vector<std::vector<rte_mbuf*>>> batches_;
  std::uint64_t full_ = 0;
  unsigned ended_producers_ = 0;
};

template <class F>
Exploration explore_flusher(const FlusherPlan& plan) {
  BufferPool pool(pool_options(80, 0));
  const LcorePerThread lcores;
  return explore(static_cast<unsigned>(plan.producers.size()) + 1,
                 kept_if_failed(scenario<FlusherScenario<F>>(pool, plan)), plan.bounds);
}

}  // namespace bab::test::model
