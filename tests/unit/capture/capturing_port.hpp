#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/capture/capture.hpp>
#include <bab/port/loopback.hpp>
#include <bab/wire/endian.hpp>

#include "../port/test_port.hpp"
#include "full_pool.hpp"

namespace bab::test {

/// A block of a pcapng file.
struct Block {
  std::uint32_t type;
  std::vector<std::uint8_t> body;
};

/// The blocks of a pcapng file (draft-ietf-opsawg-pcapng). A malformed file fails the test.
inline std::vector<Block> read_blocks(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<Block> blocks;
  const auto word = [&](std::size_t at) {
    std::uint32_t w = 0;
    std::memcpy(&w, all.data() + at, sizeof w);
    return w;
  };
  for (std::size_t at = 0; at + 12 <= all.size();) {
    const std::uint32_t len = word(at + 4);
    if (len < 12 || len % 4 != 0 || at + len > all.size() || word(at + len - 4) != len) {
      ADD_FAILURE() << "a block of " << len << " bytes at " << at << " of " << all.size();
      return blocks;
    }
    blocks.push_back({word(at),
                      {all.begin() + static_cast<std::ptrdiff_t>(at) + 8,
                       all.begin() + static_cast<std::ptrdiff_t>(at + len) - 4}});
    at += len;
  }
  return blocks;
}

inline constexpr std::uint32_t kEnhancedPacket = 6, kInterfaceStatistics = 5, kInterface = 1;

/// The bytes of each frame in the file.
inline std::vector<std::vector<std::uint8_t>> read_frames(const std::string& path) {
  std::vector<std::vector<std::uint8_t>> frames;
  for (const Block& b : read_blocks(path))
    if (b.type == kEnhancedPacket) {
      std::uint32_t len = 0;
      std::memcpy(&len, b.body.data() + 12, sizeof len);
      frames.emplace_back(b.body.begin() + 20, b.body.begin() + 20 + len);
    }
  return frames;
}

/// The sums over all Interface Statistics Blocks.
struct Counts {
  std::uint64_t received = 0, dropped = 0;  // isb_ifrecv, isb_ifdrop
};

inline Counts read_counts(const std::string& path) {
  Counts sum;
  for (const Block& b : read_blocks(path)) {
    if (b.type != kInterfaceStatistics) continue;
    // each option is a code, a length and a value
    for (std::size_t at = 12; at + 4 <= b.body.size();) {
      std::uint16_t code = 0, len = 0;
      std::memcpy(&code, b.body.data() + at, 2);
      std::memcpy(&len, b.body.data() + at + 2, 2);
      constexpr std::uint16_t kReceived = 4, kDropped = 5;
      std::uint64_t n = 0;
      if (len == sizeof n) std::memcpy(&n, b.body.data() + at + 4, sizeof n);
      if (code == kReceived) sum.received += n;
      if (code == kDropped) sum.dropped += n;
      at += 4U + (len + 3U) / 4U * 4U;
    }
  }
  return sum;
}

class CapturingPort : public testing::Test {
 protected:
  CapturingPort() : pool_(small_pool(64, 0)), port_({.id = wire_.port_id()}, pool_) {
    std::string name = (std::filesystem::temp_directory_path() / "bab-capture-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    port_.start();
  }
  ~CapturingPort() override {
    port_.drain();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string path(const std::string& name = "out.pcapng") const {
    return directory_ / name;
  }
  CaptureOptions to_file() const {
    CaptureOptions o;
    o.path = path();
    return o;
  }
  /// Sends a UDP frame with `text` as its payload.
  void send(const std::string& text, std::uint16_t udp_port = 9) {
    rte_mbuf* m = pool_.try_acquire();
    ASSERT_NE(m, nullptr);
    const std::vector<std::uint8_t> frame = make(text, udp_port);
    std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    ASSERT_EQ(port_.tx(0).send({&m, 1}), 1U);
  }
  static std::vector<std::uint8_t> make(const std::string& text, std::uint16_t udp_port) {
    std::vector<std::uint8_t> f(42 + text.size());
    wire::store_be<std::uint16_t>(f.data() + 12, wire::kEtherTypeIpv4);
    f[14] = 0x45;
    wire::store_be(f.data() + 16, static_cast<std::uint16_t>(28 + text.size()));
    f[23] = wire::kProtocolUdp;
    wire::store_be<std::uint16_t>(f.data() + 34, 1234);
    wire::store_be<std::uint16_t>(f.data() + 36, udp_port);
    wire::store_be(f.data() + 38, static_cast<std::uint16_t>(8 + text.size()));
    std::memcpy(f.data() + 42, text.data(), text.size());
    return f;
  }
  void receive_all() {
    std::array<rte_mbuf*, 32> burst;
    while (const unsigned n = port_.rx(0).receive(burst))
      BufferPool::release(std::span(burst.data(), n));
  }
  /// The payloads of the frames in the file.
  [[nodiscard]] std::vector<std::string> captured() const {
    std::vector<std::string> all;
    for (const auto& f : read_frames(path())) all.emplace_back(f.begin() + 42, f.end());
    return all;
  }

  std::filesystem::path directory_;
  Loopback wire_;
  FullPool pool_;
  Port port_;
  std::array<Port*, 1> ports_{&port_};
};

}  // namespace bab::test
