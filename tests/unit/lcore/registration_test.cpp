#include <bab/lcore/registration.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/lcore/acquire.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/memory/packet.hpp>

#include "full_pool.hpp"
#include "lcores.hpp"
#include "packets.hpp"

namespace bab {
namespace {

using test::FullPool;

std::string what_registering_says() {
  try {
    const LcoreRegistration registration;
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(LcoreRegistration, RefusesAThreadThatIsAnLcoreAlready) {
  EXPECT_THAT(what_registering_says(), testing::HasSubstr("it is lcore 0 already"));
  std::string twice;
  std::thread([&] {
    const LcoreRegistration registration;
    twice = what_registering_says();
  }).join();
  EXPECT_THAT(twice, testing::HasSubstr("already"));
}

TEST(LcoreRegistration, GivesAnIdForAsLongAsItIsThere) {
  unsigned during = LCORE_ID_ANY, after = 0, told = 0;
  std::thread([&] {
    {
      const LcoreRegistration registration;
      told = registration.lcore();
      during = rte_lcore_id();
    }
    after = rte_lcore_id();
  }).join();
  EXPECT_EQ(during, told);
  EXPECT_LT(during, static_cast<unsigned>(RTE_MAX_LCORE));
  EXPECT_GE(during, 4U) << "the first four are EAL's";
  EXPECT_EQ(after, static_cast<unsigned>(LCORE_ID_ANY));
}

TEST(LcoreRegistration, SaysWhenAllIdsAreTaken) {
  std::atomic<unsigned> ready{0};
  std::atomic<bool> end{false};
  std::vector<std::thread> threads;
  std::vector<std::string> errors(RTE_MAX_LCORE);
  for (unsigned i = 0; i < RTE_MAX_LCORE; ++i)
    threads.emplace_back([&, i] {
      try {
        const LcoreRegistration registration;
        ++ready;
        while (!end) std::this_thread::yield();
      } catch (const Error& e) {
        errors[i] = e.what();
        ++ready;
      }
    });
  while (ready < RTE_MAX_LCORE) std::this_thread::yield();
  end = true;
  for (std::thread& t : threads) t.join();
  const std::multiset<std::string> said(errors.begin(), errors.end());
  EXPECT_EQ(said.count(""), RTE_MAX_LCORE - 4U);
  for (const std::string& e : errors)
    if (!e.empty()) {
      EXPECT_THAT(e, testing::HasSubstr("128 lcore ids"));
    }
  std::string again;
  std::thread([&] { again = what_registering_says(); }).join();
  EXPECT_EQ(again, "") << "ids come back";
}

TEST(LcoreRegistration, GivesBackWhatItsCachesKeep) {
  FullPool pool(test::small_pool(64, 4));
  std::thread([&] {
    const LcoreRegistration registration;
    BufferPool::relieve();
    std::array<rte_mbuf*, 4> some;
    ASSERT_TRUE(pool.try_acquire(some));
    BufferPool::release(some);
    EXPECT_FALSE(pool.stats().cached.empty());
  }).join();
  EXPECT_TRUE(pool.stats().cached.empty());
}

TEST(LcoreRegistration, AThreadThatRegistersRunsTasksAndHandlesPackets) {
  FullPool pool(2);
  std::string got;
  SendPacket message = test::packet_with(pool, "hello").send();
  std::thread([&] {
    const LcoreRegistration registration;
    Lcore lcore;
    lcore.spawn([&]() -> Task<> {
      Packet packet = message.receive();
      got = test::text_of(packet.clone());
      rte_mbuf* m = co_await pool.acquire();
      BufferPool::release(m);
      lcore.request_stop();
    });
    lcore.run();
  }).join();
  EXPECT_EQ(got, "hello");
}

TEST(Lcore, GivesBackWhatItsCachesKeepWhenItsLoopEnds) {
  FullPool pool(test::small_pool(64, 4));
  test::on_lcore(1, [&] {
    Lcore lcore;
    lcore.spawn([&]() -> Task<> {
      std::array<rte_mbuf*, 4> some;
      EXPECT_EQ(co_await pool.acquire(some), Outcome::kDone);
      BufferPool::release(some);
      lcore.request_stop();
    });
    lcore.run();
  });
  EXPECT_TRUE(pool.stats().cached.empty()) << "nobody turns there any more to find them";
}

}  // namespace
}  // namespace bab
