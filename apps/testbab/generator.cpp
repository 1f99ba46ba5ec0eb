#include "generator.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <rte_cycles.h>

#include <bab/base/error.hpp>

#include "tsc_clock.hpp"
#include "wiring.hpp"

namespace testbab {
namespace {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void require_fit(const MessageSizes& sizes, std::uint32_t most, std::uint32_t mtu) {
  if (sizes.max() > most)
    throw bab::Error(
        fmt::format("--msg-size={}: a frame of MTU {} holds a message of at most {} bytes; raise "
                    "--mtu or lower --msg-size",
                    sizes.max(), mtu, most));
}

TokenBucket share_of_rate(const Options& options, std::size_t index, std::size_t senders) {
  constexpr double kMaxLate =
      0.25;  // seconds: longer than a loaded machine's scheduler takes an lcore away
  const std::uint64_t rate = options.rate.value_or(0);
  if (rate == 0) return {};
  const double interval = tsc_hz() * static_cast<double>(senders) / static_cast<double>(rate);
  return {interval, static_cast<std::uint64_t>(kMaxLate * tsc_hz()),
          static_cast<double>(index) / static_cast<double>(senders)};
}

Generator::Generator(const Options& options, Wiring& wiring, std::size_t port, unsigned queue,
                     std::uint64_t count, const TokenBucket& pace)
    : Sender(options, wiring, port, queue),
      end_(count == 0 || count > kNoEnd - bab::wire::kMoldFirstSequence
               ? kNoEnd
               : count + bab::wire::kMoldFirstSequence),
      pace_(pace),
      payload_(options.payload),
      sizes_(options.sizes) {
  require_fit(sizes_, writer().max_message(), wiring.port(port).mtu());
  const auto block = [](std::uint32_t len) {
    return len + static_cast<std::uint32_t>(bab::wire::kBlockLengthBytes);
  };
  least_a_frame_ = block(writer().max_message()) / block(sizes_.max());
}

unsigned Generator::make(std::uint64_t now_tsc, std::uint32_t frames) noexcept {
  const std::uint64_t due = std::min({pace_.due(now_tsc), end_ - next_, messages_of(frames),
                                      std::uint64_t{frames} * least_a_frame_});
  const std::uint32_t most_bytes = bytes_of(frames);
  unsigned made = 0;
  for (std::uint32_t bytes = 0; bytes < most_bytes && made < due; ++made) {
    const std::uint32_t len = sizes_.of(next_);
    auto room = writer().reserve(len);
    if (!room) break;
    bytes += payload_.fill(room.data(), len, next_) + kPerMessage;
    room.commit();
    ++next_;
  }
  pace_.take(made);
  return made;
}

std::vector<std::unique_ptr<Generator>> make_generators(const Options& options, Wiring& wiring,
                                                        std::size_t ports) {
  // The loopback port has as many TX queues as RX queues, whatever --txq says.
  const std::size_t sessions = ports * options.txq;
  std::vector<std::unique_ptr<Generator>> generators;
  const std::size_t senders =
      options.count > 0 ? std::min<std::size_t>(sessions, options.count) : sessions;
  std::size_t index = 0;
  for (std::size_t i = 0; i < ports; ++i)
    for (unsigned q = 0; q < options.txq; ++q, ++index) {
      // The first sessions take the remainder. A share of 0 would mean "no end".
      const std::uint64_t share =
          options.count / sessions + (index < options.count % sessions ? 1 : 0);
      if (options.count > 0 && share == 0) continue;
      generators.push_back(std::make_unique<Generator>(options, wiring, i, q, share,
                                                       share_of_rate(options, index, senders)));
    }
  return generators;
}

}  // namespace testbab
