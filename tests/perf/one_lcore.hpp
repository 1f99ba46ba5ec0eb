#pragma once

#include <cstdint>
#include <functional>

#include <benchmark/benchmark.h>

#include "row.hpp"

namespace bench {

/// The number of messages between two looks at the rings, as in one turn of a loop.
constexpr std::int64_t kTurn = 512;

using Body = std::function<void(benchmark::State&)>;

/// One side of a one-lcore row, under Google Benchmark, which counts CPU time per iteration. Other
/// processes only affect the result through the caches.
class OneLcoreSide {
 public:
  explicit OneLcoreSide(Body body) : body_(std::move(body)) {}
  Slice measure(double seconds);

 private:
  Slice run(std::int64_t iterations);

  Body body_;
  std::int64_t iterations_ = 0;  // in a slice; the first slice sets the number
};

/// `Rig` has subject(State&) and floor(State&). Each contains Google Benchmark's loop.
template <class Rig>
class OneLcoreRow final : public Row {
 public:
  template <class... Args>
  explicit OneLcoreRow(Args&&... args)
      : rig_(std::forward<Args>(args)...),
        subject_([this](benchmark::State& s) { rig_.subject(s); }),
        floor_([this](benchmark::State& s) { rig_.floor(s); }) {}

  Slice subject(double seconds) override { return subject_.measure(seconds); }
  Slice floor(double seconds) override { return floor_.measure(seconds); }

 private:
  Rig rig_;
  OneLcoreSide subject_, floor_;
};

template <class Rig, class... Args>
std::unique_ptr<Row> one_lcore(Args&&... args) {
  return std::make_unique<OneLcoreRow<Rig>>(std::forward<Args>(args)...);
}

}  // namespace bench
