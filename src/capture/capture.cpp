#include <bab/capture/capture.hpp>

#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>

#include "../detail/dpdk/control_thread.hpp"
#include "file.hpp"
#include "queue.hpp"
#include "writer.hpp"

namespace bab {

using detail::CaptureFile;
using detail::CaptureQueue;

Capture::Capture(std::span<Port* const> ports, const CaptureOptions& options)
    : path_(options.path), comes_first_(options.lcore_share >= 1) {
  constexpr std::uint32_t kLeast = Tap::kMax;
  if (options.one_in == 0)
    throw Error("a capture's one_in is 0; it must be 1 or more (1 in N matching frames)");
  if (options.buffers < kLeast)
    throw Error(fmt::format("a capture's buffers are {}; it needs {} or more, for a burst",
                            options.buffers, kLeast));
  if (!(options.lcore_share > 0))
    throw Error(
        fmt::format("a capture's lcore_share is {}; it must be above 0", options.lcore_share));
  file_ = std::make_unique<CaptureFile>(options.path);
  try {
    add_queues(ports, options);
    start_writing();
  } catch (...) {
    take_off();
    throw;
  }
}

void Capture::add_queues(std::span<Port* const> ports, const CaptureOptions& options) {
  const bool rx = options.direction != CaptureDirection::kTx;
  const bool tx = options.direction != CaptureDirection::kRx;
  std::uint32_t largest = 0, queues = 0;
  std::vector<Port*> chosen;
  for (Port* port : ports) {
    if (options.port && *options.port != port->id()) continue;
    chosen.push_back(port);
    largest = std::max(largest, Port::data_room(port->mtu()) - RTE_PKTMBUF_HEADROOM);
    queues += (rx ? port->rx_queues() : 0) + (tx ? port->tx_queues() : 0);
  }
  if (chosen.empty())
    throw Error(options.port ? fmt::format("there is no port {} to capture on", *options.port)
                             : "there is no port to capture on");
  const std::uint32_t buffers =
      std::max<std::uint32_t>(options.buffers / std::max(queues, 1U), Tap::kMax);
  const auto put = [&](Tap& tap, std::uint16_t port, unsigned queue, TapDirection direction) {
    auto q = std::make_unique<CaptureQueue>(
        tap, CaptureQueue::Source{port, static_cast<std::uint16_t>(queue), direction}, options,
        CaptureQueue::Room{buffers, largest, queues});
    if (!tap.put_on(q.get()))
      throw Error(fmt::format("port {} is captured already; stop that capture first", port));
    queues_.push_back(std::move(q));
  };
  for (Port* port : chosen) {
    for (unsigned i = 0; rx && i < port->rx_queues(); ++i)
      put(port->rx(i).tap(), port->id(), i, TapDirection::kRx);
    for (unsigned i = 0; tx && i < port->tx_queues(); ++i)
      put(port->tx(i).tap(), port->id(), i, TapDirection::kTx);
  }
}

/// Starts the thread before the file is emptied; the thread waits for that.
void Capture::start_writing() {
  const auto run = [](void* self) {
    // When a file reaches the size limit, write() should fail as on a full disk, and SIGXFSZ should
    // not end the process.
    sigset_t limit;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    (void)pthread_sigmask(SIG_BLOCK, &limit, nullptr);
    auto& c = *static_cast<Capture*>(self);
    c.begun_.wait();
    if (!c.file_->has_begun()) return;
    detail::CaptureWriter({*c.file_, c.queues_, c.written_, c.error_, !c.comes_first_})
        .run(c.stopping_);
  };
  pthread_t thread{};
  if (const int e = detail::start_control_thread(thread, "bab-capture", this, run); e != 0)
    throw Error::from_code("starting a capture's writing thread", e);
  thread_ = thread;
  try {
    file_->begin();
  } catch (...) {
    begun_.count_down();
    stop_writing();
    throw;
  }
  begun_.count_down();
}

void Capture::stop_writing() noexcept {
  // R54: pairs with A54: frames that lcores passed on before are written.
  stopping_.store(true, std::memory_order_release);
  (void)pthread_join(*thread_, nullptr);
  thread_.reset();
}

Capture::~Capture() {
  try {
    stop();
  } catch (const Error&) {
    // stats() tells what is lost.
  }
}

void Capture::take_off() noexcept {
  for (const auto& q : queues_) q->tap().take_off();
}

void Capture::stop() {
  if (!thread_) return;
  take_off();
  stop_writing();
  file_.reset();
  if (const int e = error(); e != 0)
    throw Error::from_code(
        fmt::format("capturing to {}: {} frames were not written", path_, stats().failed), e,
        "choose a file where there is room");
}

CaptureStats Capture::stats() const noexcept {
  CaptureStats s;
  for (const auto& q : queues_) {
    s.wanted += q->wanted();
    s.missed += q->missed();
    s.failed += q->failed();
  }
  s.written = written_.load(std::memory_order_relaxed);
  return s;
}

}  // namespace bab
