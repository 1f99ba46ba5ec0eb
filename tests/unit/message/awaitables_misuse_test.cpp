#include <memory>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "awaitables.hpp"

/// Misuse of awaitables: awaited in a place or at a time that isn't allowed, or destroyed during
/// the await.
namespace bab {
namespace {

using test::Awaited;
using test::Loose;

struct AwaitablesMisuse : test::Awaitables {
  Loose any_of_in_frame(std::unique_ptr<Awaited> own, Wait& or_else) {
    (void)co_await AnyOf(own->wait(), or_else);
    ++went_on;
  }
  Task<> await_all(Awaited& one, Awaited& again, Wait& or_else) {
    co_await alone(one);
    co_await alone(again);
    co_await first_of(again.wait(), or_else);
    (void)again.got();
  }
};
INSTANTIATE_TEST_SUITE_P(, AwaitablesMisuse, testing::ValuesIn(test::all_awaitables()),
                         test::name_of);

TEST_P(AwaitablesMisuse, ASecondAwaitWhileItWaitsIsRefused) {
  rig->block();
  const auto own = rig->make();
  spawn_alone(*own);
  spawn([&]() -> Task<> {
    co_await alone(*own);
    EXPECT_EQ(granted, 0);
    EXPECT_EQ(outcome, Outcome::kRefused);
  });
  EXPECT_EQ(running, 1);
  rig->allow();
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(granted, 1);
  EXPECT_EQ(outcome, Outcome::kDone);
}

TEST_P(AwaitablesMisuse, ASecondAwaitBetweenItsGrantAndItsGoingOnIsRefused) {
  rig->block();
  const auto own = rig->make();
  spawn_alone(*own);
  Loose second;
  then = [&] {
    EXPECT_FALSE(own->wait().waiting());
    second = own->loose(went_on);
    EXPECT_EQ(went_on, 1);
  };
  rig->allow();
  turns();
  EXPECT_EQ(went_on, 1);
  EXPECT_EQ(granted, 1);
  EXPECT_EQ(outcome, Outcome::kDone);
}

TEST_P(AwaitablesMisuse, AnyOfOfOneThatWaitsIsRefusedAndBeginsNothing) {
  rig->block();
  const auto own = rig->make();
  SignalWait told = other.wait();
  spawn_alone(*own);
  spawn([&]() -> Task<> { first = co_await AnyOf(told, own->wait()); });
  EXPECT_EQ(first.index, 1U);
  EXPECT_EQ(first.outcome, Outcome::kRefused);
  EXPECT_FALSE(told.waiting());
  rig->allow();
  turns();
  EXPECT_EQ(granted, 1);
}

TEST_P(AwaitablesMisuse, C07_TheSameTwiceInOneAnyOfIsRefused) {
  rig->block();
  const auto own = rig->make();
  SignalWait told = other.wait();
  spawn([&]() -> Task<> { first = co_await AnyOf(own->wait(), told, own->wait()); });
  EXPECT_EQ(running, 0);
  EXPECT_EQ(first.index, 2U);
  EXPECT_EQ(first.outcome, Outcome::kRefused);
  EXPECT_FALSE(own->wait().waiting());
  spawn_alone(*own);
  rig->allow();
  turns();
  EXPECT_EQ(granted, 1);
}

TEST_P(AwaitablesMisuse, OnAnotherLcoreThanWhereItWaitsItIsRefused) {
  rig->block();
  const auto own = rig->make();
  spawn_alone(*own);
  Lcore another;
  another.spawn([&] { return alone(*own); });
  another.turn(rig->now());
  EXPECT_EQ(another.tasks(), 0U);
  EXPECT_EQ(outcome, Outcome::kRefused);
  rig->allow();
  turns();
  EXPECT_EQ(granted, 1);
  EXPECT_EQ(outcome, Outcome::kDone);
}

TEST_P(AwaitablesMisuse, OutsideOfATurnItIsRefused) {
  rig->block();
  const auto own = rig->make(), another = rig->make();
  const Loose alone = own->loose(went_on);
  EXPECT_EQ(went_on, 1);
  EXPECT_EQ(own->wait().outcome(), Outcome::kRefused);
  const Loose either = loose_first_of(own->wait(), another->wait());
  EXPECT_EQ(went_on, 2);
  spawn_alone(*own);
  rig->allow();
  turns();
  EXPECT_EQ(granted, 1);
}

TEST_P(AwaitablesMisuse, ItsCoroutineGoesWhileItWaits) {
  rig->block();
  Loose loose, either;
  SignalWait told = other.wait();
  begin([&] {
    loose = rig->in_frame(went_on);
    either = any_of_in_frame(rig->make(), told);
  });
  turns();
  EXPECT_TRUE(told.waiting());
  loose = Loose();
  either = Loose();
  EXPECT_FALSE(told.waiting());
  other.notify();
  expect_that_the_next_is_granted_once();
  EXPECT_EQ(went_on, 0);
}

TEST_P(AwaitablesMisuse, ItsCoroutineGoesBetweenItsGrantAndItsGoingOn) {
  rig->block();
  Loose loose;
  begin([&] { loose = rig->in_frame(went_on); });
  rig->allow();
  then = [&] { loose = Loose(); };
  turns();
  EXPECT_EQ(went_on, 0);
}

TEST_P(AwaitablesMisuse, C04_SoDoesThatOfAnAnyOf) {
  rig->block();
  Loose loose;
  SignalWait told = other.wait();
  begin([&] { loose = any_of_in_frame(rig->make(), told); });
  rig->allow();
  then = [&] { loose = Loose(); };
  turns();
  EXPECT_EQ(went_on, 0);
  EXPECT_FALSE(told.waiting());
}

TEST_P(AwaitablesMisuse, AnAnyOfGoesAndItsWaitsStay) {
  rig->block();
  const auto own = rig->make();
  SignalWait told = other.wait();
  Loose loose;
  begin([&] { loose = loose_first_of(own->wait(), told); });
  loose = Loose();
  EXPECT_FALSE(own->wait().waiting());
  EXPECT_FALSE(told.waiting());
  begin([&] { loose = loose_first_of(own->wait(), told); });
  rig->allow();
  then = [&] { loose = Loose(); };
  turns();
  EXPECT_EQ(went_on, 0);
  EXPECT_FALSE(own->got()) << "nobody was told";
}

TEST_P(AwaitablesMisuse, AWaitGoesAndItsAnyOfStays) {
  rig->block();
  auto own = rig->make();
  SignalWait told = other.wait();
  spawn([&] { return first_of(own->wait(), told); });
  own.reset();
  other.notify();
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(first.index, 1U);
  expect_that_the_next_is_granted_once();
}

/// Each await is either refused, or does only things that need no lcore id.
TEST_P(AwaitablesMisuse, C03_AThreadWithoutAnLcoreIdBreaksNothing) {
  if (!GetParam().any_thread) GTEST_SKIP() << "a thread without an lcore id has no Packets";
  const auto own = rig->make(), another = rig->make();
  std::thread([&] {
    Lcore here;
    SignalWait told = other.wait();
    here.spawn([&] { return await_all(*own, *another, told); });
    for (int i = 0; i < 3; ++i) here.turn(rig->now());
    here.request_stop();
    for (int i = 0; i < 3; ++i) here.turn(rig->now());
    EXPECT_EQ(here.tasks(), 0U);
  }).join();
}

}  // namespace
}  // namespace bab
