#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <bab/message/local_writer.hpp>
#include <bab/message/write_flusher.hpp>
#include <bab/port/queues.hpp>

#include "forwarding_poller.hpp"
#include "options.hpp"
#include "peer_address.hpp"
#include "summary.hpp"

namespace testbab {

class Wiring;

/// Sends each message back to the address that its frame came from: RX queues and a TX queue of one
/// port. Every peer has frames of its own, numbered from 1 in a session of the same name. What one
/// RX burst brought goes at once: nothing waits for a frame to fill.
class EchoPoller final : public ForwardingPoller {
 public:
  /// Peers at a time. One more takes the place of the peer that was silent for longest; when that
  /// one comes back, its numbers begin at 1 again.
  static constexpr std::size_t kPeers = 32;  // bits of busy_

  EchoPoller(const Options& options, Wiring& wiring, std::size_t port, unsigned tx_queue,
             std::vector<bab::RxQueue*> rx);

  unsigned poll(std::uint64_t now_tsc, Phase phase) noexcept override;
  [[nodiscard]] std::string_view what() const noexcept override { return "echo"; }

  void sum_up(Summary& summary) const;

 private:
  struct Peer {
    Peer(EchoPoller& echo, const bab::wire::FrameHeader& header, unsigned burst, std::size_t index);
    [[nodiscard]] bool idle() const noexcept {
      return (!writer || writer->idle()) && flusher.idle();
    }

    PeerAddress address{};
    std::uint32_t bit;  // its own in busy_
    bool used = false;
    std::uint64_t last_frame = 0;  // which of ours it was: the largest is the newest
    std::uint16_t header_size;
    bab::FrameRing ring;
    bab::WriteFlusher<bab::TxQueue> flusher;
    std::optional<bab::LocalWriter>
        writer;  // only while it holds something, when buffers are short
  };

  unsigned answer() noexcept;
  bab::LocalWriter::Reservation reserve(Peer& peer, std::uint32_t len) noexcept;
  Peer* peer_of(const PeerAddress& address) noexcept;
  template <class Do>
  void for_busy(Do act) noexcept;
  void flush() noexcept;
  unsigned send(std::uint64_t now_tsc = 0) noexcept;
  void free_writer(Peer& peer) noexcept;
  void make_room() noexcept;
  void abandon() noexcept;

  bab::TxQueue& queue_;
  bab::BufferPool& pool_;
  bab::wire::FrameHeaderOptions ours_;
  bab::WriterOptions writer_options_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::uint32_t busy_ = 0;  // bit i: peer i may have something to send
  Peer* newest_ = nullptr;
  std::uint64_t frames_ = 0;                // with messages
  std::uint64_t sessions_ = 0;              // begun
  std::uint64_t frames_written_ = 0;        // by writers that are gone
  std::uint64_t messages_ = 0, bytes_ = 0;  // written
};

/// EchoPollers for all queues of `port`: as many as it has TX queues, the RX queues dealt out among
/// them.
std::vector<std::unique_ptr<EchoPoller>> make_echoes(const Options& options, Wiring& wiring,
                                                     std::size_t port);

}  // namespace testbab
