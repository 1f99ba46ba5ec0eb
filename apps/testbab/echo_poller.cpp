#include "echo_poller.hpp"

#include <bit>
#include <utility>

#include "generator.hpp"
#include "wiring.hpp"

namespace testbab {

EchoPoller::Peer::Peer(EchoPoller& echo, const bab::wire::FrameHeader& header, unsigned burst,
                       std::size_t index)
    : bit(std::uint32_t{1} << index),
      header_size(header.size()),
      ring(echo.pool_.size()),
      flusher(echo.queue_, header, burst) {
  flusher.add(ring);
}

EchoPoller::EchoPoller(const Options& options, Wiring& wiring, std::size_t port, unsigned tx_queue,
                       std::vector<bab::RxQueue*> rx)
    : ForwardingPoller(options, wiring, port, std::move(rx)),
      queue_(wiring.port(port).tx(tx_queue)),
      pool_(wiring.tx_pool(port)),
      ours_(wiring.header_options(options, port, tx_queue)),
      writer_options_(
          writer_options(options, bab::wire::FrameHeader(ours_), wiring.port(port).mtu())) {
  works_with(pool_);
  for (std::size_t i = 0; i < kPeers; ++i)
    peers_.push_back(
        std::make_unique<Peer>(*this, bab::wire::FrameHeader(ours_), options.burst, i));
  // What a writer can't do with these options it says now, not when a peer comes.
  writer_options_.header_size = bab::wire::FrameHeader::kMaxBytes;
  bab::FrameRing nobodys(pool_.size());
  const bab::LocalWriter trial(pool_, nobodys, writer_options_);
}

unsigned EchoPoller::poll(std::uint64_t now_tsc, Phase phase) noexcept {
  if (finished()) return 0;
  unsigned work = send(now_tsc);
  if (all_written() && phase == Phase::kRun) work += receive();
  if (!all_written()) {
    work += answer();
    work += send(now_tsc);
  }
  if (phase == Phase::kAbandon) abandon();
  if (phase != Phase::kRun && all_written() && busy_ == 0) finish();
  if (work > 0) {
    publish_forwarded();
    live_tx.publish(messages_, bytes_, queue_.counters().frames, 0);
  }
  return work;
}

/// Until all that came is written, or there is no room. What was written goes.
unsigned EchoPoller::answer() noexcept {
  Peer* peer = nullptr;
  const unsigned work =
      forward([this](rte_mbuf* m, rte_mbuf* next) noexcept { return framer().accept(m, next); },
              [this, &peer](const bab::ReceivedFrame& frame) noexcept {
                peer = peer_of(PeerAddress::of(frame.bytes(), frame.vlan_tci()));
                return peer != nullptr;
              },
              [this, &peer](std::uint32_t len) noexcept { return reserve(*peer, len); },
              [this, &peer](std::size_t len) noexcept {
                busy_ |= peer->bit;
                ++messages_;
                bytes_ += len;
              });
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

auto EchoPoller::reserve(Peer& peer, std::uint32_t len) noexcept -> bab::LocalWriter::Reservation {
  writer_options_.header_size = peer.header_size;
  if (!peer.writer) peer.writer.emplace(pool_, peer.ring, writer_options_);
  auto room = peer.writer->reserve(len);
  if (room || room.failure() != bab::ReserveFailure::kNoBuffer) return room;
  make_room();
  if (!peer.writer) peer.writer.emplace(pool_, peer.ring, writer_options_);
  return peer.writer->reserve(len);
}

/// The peer of this address, which may be new; null when all others still have something to send.
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

/// There was no room in time: what waits is dropped and counted.
void EchoPoller::abandon() noexcept {
  give_up();
  flush();
  for_busy([](Peer& peer) { peer.flusher.drop_pending(); });
  (void)send();
}

void EchoPoller::sum_up(Summary& summary) const {
  Written written{.row = "messages echoed", .frames = frames_written_, .session = ours_.session};
  for (const auto& peer : peers_) {
    written.add(peer->flusher.stats(), peer->flusher.drops());
    if (peer->writer) written.frames += peer->writer->stats().frames;
  }
  sum_up_forwarded(summary, std::move(written), queue_);
  summary.bus.streams += sessions_;
}

std::vector<std::unique_ptr<EchoPoller>> make_echoes(const Options& options, Wiring& wiring,
                                                     std::size_t port) {
  std::vector<std::unique_ptr<EchoPoller>> echoes;
  unsigned tx_queue = 0;
  for (auto& rx : deal_rx_queues(wiring, port, port))
    echoes.push_back(
        std::make_unique<EchoPoller>(options, wiring, port, tx_queue++, std::move(rx)));
  return echoes;
}

}  // namespace testbab
