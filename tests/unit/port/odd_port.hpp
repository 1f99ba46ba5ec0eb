#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/port/port.hpp>

#include "full_pool.hpp"
#include "odd_driver.hpp"
#include "test_port.hpp"

namespace bab::test {

constexpr std::uint16_t kDescriptors = 32;

/// A port on an odd driver. At the end of the test, every pool that was made for the port is full.
struct OddPort : testing::Test {
  [[nodiscard]] PortOptions options(std::uint32_t mtu) const {
    return {.id = device.id(), .rx_descriptors = kDescriptors, .mtu = mtu};
  }

  RxPoolMaker maker(std::uint32_t spare = 80) {
    return [this, spare](const RxPoolNeeds& needs) -> std::shared_ptr<BufferPool> {
      asked.push_back(needs);
      return std::make_shared<FullPool>(receiving_pool(needs.held + spare, needs.data_room));
    };
  }

  Port& make(std::uint32_t mtu) { return port.emplace(options(mtu), maker()); }

  template <class Do>
  static std::string error_of(Do act) {
    try {
      act();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }

  Vdev device{"net_null7"};
  OddDriver driver{device.id()};
  std::vector<RxPoolNeeds> asked;
  std::optional<Port> port;
};

}  // namespace bab::test
