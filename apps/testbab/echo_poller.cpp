#include "echo_poller.hpp"

#include <algorithm>
#include <bit>

#include <rte_memcpy.h>

#include "generator.hpp"
#include "receiver.hpp"
#include "wiring.hpp"

namespace testbab {

EchoPoller::Peer::Peer(EchoPoller& echo, const bab::wire::FrameHeader& header, std::size_t index)
    : bit(std::uint32_t{1} << index),
      header_size(header.size()),
      ring(echo.pool_.size()),
      flusher(echo.queue_, header, echo.burst_size_) {
  flusher.add(ring);
}

EchoPoller::EchoPoller(const Options& options, Wiring& wiring, std::size_t port, unsigned tx_queue,
                       std::vector<bab::RxQueue*> rx)
    : Poller(Direction::kBoth),
      queue_(wiring.port(port).tx(tx_queue)),
      rx_(std::move(rx)),
      burst_size_(options.burst),
      framer_(framer_options(options, wiring, port)),
      pool_(wiring.tx_pool(port)),
      ours_(wiring.header_options(options, port, tx_queue)),
      writer_options_(
          writer_options(options, bab::wire::FrameHeader(ours_), wiring.port(port).mtu())) {
  works_with(pool_);
  works_with(wiring.rx_pool(port));
  receives_on(port);
  for (std::size_t i = 0; i < kPeers; ++i)
    peers_.push_back(std::make_unique<Peer>(*this, bab::wire::FrameHeader(ours_), i));
  // What a writer can't do with these options it says now, not when a peer comes.
  writer_options_.header_size = bab::wire::FrameHeader::kMaxBytes;
  bab::FrameRing nobodys(pool_.size());
  const bab::LocalWriter trial(pool_, nobodys, writer_options_);
}

EchoPoller::~EchoPoller() {
  bab::BufferPool::release(std::span<rte_mbuf* const>(burst_.data() + at_, came_ - at_));
}

unsigned EchoPoller::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  if (finished()) return 0;
  unsigned work = send(now_tsc);
  if (at_ == came_ && !frame_ && phase == Phase::kRun) work += receive();
  if (at_ < came_ || frame_) {
    work += answer();
    work += send(now_tsc);
  }
  if (phase == Phase::kAbandon) give_up();
  if (phase != Phase::kRun && done()) finish();
  if (work > 0) {
    const bab::FramerStats& in = framer_.stats();
    live_rx.publish(in.messages, in.bytes, in.frames,
                    framer_.drops().total(bab::DropUnit::kFrame) + drops_[bab::Drop::kTooLong]);
    bab::DropCounters drops = framer_.drops();
    drops += drops_;
    live_drops.publish(drops);
    live_gathered.publish(in.gathered);
    live_tx.publish(messages_, bytes_, queue_.counters().frames, 0);
  }
  return work;
}

unsigned EchoPoller::receive() noexcept {
  at_ = came_ = 0;
  // One RX queue a turn: a burst is what can wait here.
  turn_ = turn_ + 1 < rx_.size() ? turn_ + 1 : 0;
  came_ = rx_[turn_]->receive(std::span(burst_.data(), burst_size_));
  return came_;
}

/// Until all that came is written, or there is no room.
unsigned EchoPoller::answer() noexcept {
  unsigned work = 0;
  while (frame_ || at_ < came_) {
    if (!frame_) {
      ++work;
      rte_mbuf* m = burst_[at_++];
      bab::ReceivedFrame next = framer_.accept(m, at_ < came_ ? burst_[at_] : nullptr);
      if (!next || next.left() == 0) continue;
      from_ = PeerAddress::of(next.bytes(), next.vlan_tci());
      frame_.emplace(std::move(next));
    }
    const std::uint64_t before = messages_;
    const bool whole = answer_frame();
    work += static_cast<unsigned>(messages_ - before);
    if (!whole) break;
    frame_.reset();
  }
  flush();
  return work;
}

template <class Do>
void EchoPoller::for_busy(Do act) noexcept {
  for (std::uint32_t left = busy_; left != 0; left &= left - 1)
    act(*peers_[static_cast<std::size_t>(std::countr_zero(left))]);
}

void EchoPoller::flush() noexcept {
  for_busy([](Peer& peer) {
    if (peer.writer) peer.writer->flush();
  });
}

/// False when the rest of it has to wait.
bool EchoPoller::answer_frame() noexcept {
  Peer* peer = peer_of(from_);
  if (peer == nullptr) return false;
  while (waiting_ || frame_->left() > 0) {
    const auto message = waiting_ ? *waiting_ : frame_->next_bytes();
    waiting_.reset();
    auto room = reserve(*peer, static_cast<std::uint32_t>(message.size()));
    if (!room && room.failure() == bab::ReserveFailure::kTooLong) {
      drops_.add(bab::Drop::kTooLong);
      continue;
    }
    if (!room) {
      waiting_ = message;
      return false;
    }
    rte_memcpy(room.data(), message.data(), message.size());
    room.commit();
    busy_ |= peer->bit;
    ++messages_;
    bytes_ += message.size();
  }
  return true;
}

auto EchoPoller::reserve(Peer& peer, std::uint32_t len) noexcept -> bab::LocalWriter::Reservation {
  writer_options_.header_size = peer.header_size;
  if (!peer.writer) peer.writer.emplace(pool_, peer.ring, writer_options_);
  auto room = peer.writer->reserve(len);
  if (room || room.failure() != bab::ReserveFailure::kNoBuffer) return room;
  make_room();
  if (!peer.writer) peer.writer.emplace(pool_, peer.ring, writer_options_);
  return peer.writer->reserve(len);
}

/// The peer of this address, who may be new; null when all others still have something to send.
auto EchoPoller::peer_of(const PeerAddress& address) noexcept -> Peer* {
  ++frames_;
  if (newest_ != nullptr && newest_->address == address) [[likely]] {
    newest_->last_frame = frames_;
    return newest_;
  }
  Peer* place = nullptr;
  for (const auto& peer : peers_) {
    if (peer->used && peer->address == address) {
      peer->last_frame = frames_;
      return newest_ = peer.get();
    }
    if (place == nullptr || peer->last_frame < place->last_frame) place = peer.get();
  }
  if (place->writer) place->writer->flush();
  (void)place->flusher.poll();
  if (!place->idle()) return nullptr;
  free_writer(*place);
  const bab::wire::FrameHeader header = address.header(ours_);
  place->address = address;
  place->used = true;
  place->last_frame = frames_;
  place->header_size = header.size();
  place->flusher.begin_session(header);
  ++sessions_;
  return newest_ = place;
}

unsigned EchoPoller::send(std::uint64_t now_tsc) noexcept {
  unsigned work = 0;
  for_busy([&](Peer& peer) {
    work += peer.flusher.poll(now_tsc);
    if (peer.idle()) busy_ &= ~peer.bit;
  });
  return work;
}

void EchoPoller::free_writer(Peer& peer) noexcept {
  if (!peer.writer) return;
  frames_written_ += peer.writer->stats().frames;
  peer.writer.reset();
}

/// What peers hold goes, and those that hold nothing give back what is set aside for them.
void EchoPoller::make_room() noexcept {
  for (const auto& peer : peers_) {
    if (!peer->writer) continue;
    peer->writer->flush();
    if (peer->writer->idle()) free_writer(*peer);
  }
  (void)send();
}

/// No room came in time: what waits is dropped and counted.
void EchoPoller::give_up() noexcept {
  while (frame_ || at_ < came_) {
    if (frame_) {
      drops_.add(bab::Drop::kNoBuffer, frame_->left() + (waiting_ ? 1 : 0));
      waiting_.reset();
      frame_.reset();
    }
    if (at_ < came_)
      if (bab::ReceivedFrame next = framer_.accept(burst_[at_++])) frame_.emplace(std::move(next));
  }
  flush();
  for_busy([](Peer& peer) { peer.flusher.drop_pending(); });
  (void)send();
}

bool EchoPoller::done() const noexcept { return at_ == came_ && !frame_ && busy_ == 0; }

void EchoPoller::sum_up(Summary& summary) const {
  const bab::FramerStats& in = framer_.stats();
  bab::FlusherStats out;
  std::uint64_t frames = frames_written_;
  std::uint64_t tx_full = 0;
  for (const auto& peer : peers_) {
    const bab::FlusherStats& s = peer->flusher.stats();
    out.messages += s.messages;
    out.bytes += s.bytes;
    out.dropped_messages += s.dropped_messages;
    out.dropped_bytes += s.dropped_bytes;
    tx_full += peer->flusher.drops()[bab::Drop::kTxFull];
    summary.drops += peer->flusher.drops();
    if (peer->writer) frames += peer->writer->stats().frames;
  }
  const std::uint64_t refused = queue_.refused_messages();
  const std::uint64_t sent = out.messages - out.dropped_messages - refused;
  const std::uint64_t too_long = drops_[bab::Drop::kTooLong];
  const std::uint64_t no_buffer = drops_[bab::Drop::kNoBuffer];
  summary.drops += framer_.drops();
  summary.drops += drops_;
  BusTotals& bus = summary.bus;
  bus.messages_in += in.messages;
  bus.bytes_in += in.bytes;
  bus.frames_in += in.frames;
  bus.messages_out += sent;
  bus.bytes_out += out.bytes - out.dropped_bytes - queue_.refused_bytes();
  bus.frames_out += queue_.counters().frames;
  bus.lost += too_long + no_buffer + out.dropped_messages + refused;
  bus.streams += sessions_;
  summary.ledger.row("messages echoed", in.messages).out = {{"sent", sent},
                                                            {"too_long", too_long},
                                                            {"no_buffer", no_buffer},
                                                            {"tx_full", out.dropped_messages},
                                                            {"tx_refused", refused}};
  summary.set_held_apart(ours_.session);
  summary.ledger.row("frames written", frames).out = {
      {"sent", queue_.counters().frames},
      {"tx_full", tx_full},
      {"tx_refused", queue_.drops()[bab::Drop::kTxRefused]}};
}

std::vector<std::unique_ptr<Poller>> make_echoes(const Options& options, Wiring& wiring,
                                                 std::size_t port) {
  const auto queues = wiring.rx_queues(port);
  const std::size_t echoes = std::min<std::size_t>(wiring.port(port).tx_queues(), queues.size());
  std::vector<std::vector<bab::RxQueue*>> dealt(echoes);
  for (std::size_t q = 0; q < queues.size(); ++q) dealt[q % echoes].push_back(queues[q]);
  std::vector<std::unique_ptr<Poller>> pollers;
  for (std::size_t i = 0; i < echoes; ++i)
    pollers.push_back(
        std::make_unique<EchoPoller>(options, wiring, port, static_cast<unsigned>(i), dealt[i]));
  return pollers;
}

}  // namespace testbab
