#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <bab/capture/capture.hpp>

#include "capturing_port.hpp"

namespace bab {
namespace {

using test::read_frames;
using testing::ElementsAre;

constexpr std::uint16_t kTag = 0x6065;  // priority 3, VLAN 101

/// A capture shows frames as they are on the wire, even if the device inserts or strips the tag.
class CaptureVlan : public test::CapturingPort {
 protected:
  static std::vector<std::uint8_t> tagged(const std::string& text) {
    std::vector<std::uint8_t> f = make(text, 9);
    const std::array<std::uint8_t, 4> tag{0x81, 0x00, kTag >> 8, kTag & 0xff};
    f.insert(f.begin() + 12, tag.begin(), tag.end());
    return f;
  }
};

TEST_F(CaptureVlan, ATagThatTheDeviceTookOutIsInIt) {
  const auto strip = [](std::uint16_t, std::uint16_t, rte_mbuf** frames, std::uint16_t n,
                        std::uint16_t, void*) -> std::uint16_t {
    for (rte_mbuf* m : std::span(frames, n)) {
      m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
      m->vlan_tci = kTag;
    }
    return n;
  };
  const auto* callback = rte_eth_add_rx_callback(port_.id(), 0, strip, nullptr);
  ASSERT_NE(callback, nullptr);
  CaptureOptions options = to_file();
  options.direction = CaptureDirection::kRx;
  Capture capture(ports_, options);
  send("stripped");
  receive_all();
  capture.stop();
  EXPECT_EQ(rte_eth_remove_rx_callback(port_.id(), 0, callback), 0);
  EXPECT_THAT(read_frames(path()), ElementsAre(tagged("stripped")));
}

TEST_F(CaptureVlan, ATagThatIsLeftToTheDeviceIsInIt) {
  CaptureOptions options = to_file();
  options.direction = CaptureDirection::kTx;
  options.udp_port = 9;
  Capture capture(ports_, options);
  rte_mbuf* m = pool_.try_acquire();
  ASSERT_NE(m, nullptr);
  const std::vector<std::uint8_t> frame = make("inserted", 9);
  std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(frame.size())), frame.data(),
              frame.size());
  m->ol_flags = RTE_MBUF_F_TX_VLAN;
  m->vlan_tci = kTag;
  ASSERT_EQ(port_.tx(0).send({&m, 1}), 1U);
  receive_all();
  capture.stop();
  EXPECT_THAT(read_frames(path()), ElementsAre(tagged("inserted")));
}

}  // namespace
}  // namespace bab
