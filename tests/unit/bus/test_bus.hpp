#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <bab/bus/bus.hpp>
#include <bab/port/loopback_pair.hpp>

namespace bab::test {

inline constexpr const char* kGroup = "239.1.1.1:30001";

/// Options of a small Bus: one loopback and no caches, so that a test reaches every limit soon.
inline BusOptions small_bus(std::uint32_t mtu = 1500) {
  BusOptions o;
  o.ports = {{.device = "loopback", .mtu = mtu, .writers = 4, .backlog = 128}};
  o.cache = 0;
  o.stop_ms = 500;
  return o;
}

inline bool within_10_s(const std::function<bool()>& done) {
  const std::uint64_t deadline = rte_get_tsc_cycles() + 10 * rte_get_tsc_hz();
  while (!done() && rte_get_tsc_cycles() < deadline) rte_delay_us_sleep(200);
  return done();
}

/// The same for a Bus on worker lcores.
inline BusOptions on_workers() {
  BusOptions o = small_bus();
  o.idle.strategy = IdleStrategy::kBackOff;
  o.stop_ms = 5'000;  // long, because other programs may take the machine's CPUs
  return o;
}

/// Checks the report of a stop: nothing may be missing.
inline void expect_clean(const StopReport& report) {
  EXPECT_TRUE(report.is_full());
  for (const StopReport::Pool& pool : report.pools)
    EXPECT_EQ(pool.missing, 0U) << "of " << pool.buffers << " of " << pool.name;
  EXPECT_FALSE(report.ledger.rows().empty());
  for (const Ledger::Row& row : report.ledger.rows())
    EXPECT_TRUE(row.balanced()) << row.name << ": " << row.in << ", and " << row.accounted()
                                << " are accounted for";
  for (const std::string& note : report.notes) ADD_FAILURE() << note;
  EXPECT_EQ(report.dropped_messages, 0U);
}

inline void expect_clean_stop(Bus& bus) { expect_clean(bus.stop()); }

/// All messages that can be read now, as text.
inline std::vector<std::string> read_all(Subscription in) {
  std::vector<std::string> all;
  while (const Incoming got = in.next()) all.emplace_back(got.text());
  return all;
}

inline std::string device_of(std::uint16_t id) {
  std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
  EXPECT_EQ(rte_eth_dev_get_name_by_port(id, name.data()), 0);
  return name.data();
}

/// The sentence of the Error that `work` throws, or "" if `work` throws none.
template <class Work>
std::string refusal_of(Work&& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace bab::test
