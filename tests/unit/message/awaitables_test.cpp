#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

#include <bab/lcore/any_of.hpp>
#include <bab/lcore/lcore.hpp>
#include <bab/lcore/signal.hpp>

#include "awaitables.hpp"

/// What holds for every awaitable, however it is used: nothing leaks, nothing is granted twice, nothing runs twice.
namespace bab {
namespace {

using test::AwaitableRigs;
using test::Awaitables;

TYPED_TEST_SUITE(Awaitables, AwaitableRigs);

TYPED_TEST(Awaitables, CantBeCopiedOrMoved) {
  EXPECT_FALSE(std::is_move_constructible_v<typename TestFixture::Awaitable>);
  EXPECT_FALSE(std::is_move_assignable_v<typename TestFixture::Awaitable>);
}

TYPED_TEST(Awaitables, MadeAndNeverAwaitedItHasNoEffect) {
  auto& t = *this;
  t.rig.block();
  { const typename TestFixture::Own own(t.rig); }
  t.turns();
  t.expect_that_the_next_is_granted_once();
}

TYPED_TEST(Awaitables, WaitsAndIsGrantedOnce) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  t.spawn_alone(own.w);
  t.turns();
  EXPECT_EQ(t.running, 1);
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.granted, 1);
  EXPECT_EQ(t.outcome, Outcome::kDone);
}

TYPED_TEST(Awaitables, AwaitedAgainItIsGrantedAgain) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  for (int n = 1; n <= 3; ++n) {
    t.spawn_alone(own.w);
    t.turns();
    EXPECT_EQ(t.running, n == 1 || TypeParam::kAgain ? 1 : 0);
    if (t.running > 0) t.rig.allow();
    t.turns();
    EXPECT_EQ(t.running, 0);
    EXPECT_EQ(t.granted, n);
  }
}

TYPED_TEST(Awaitables, C04_FirstInAnyOfItIsGrantedOnce) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  SignalWait never = t.other.wait();
  t.spawn([&] { return t.first_of(own.w, never); });
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.first.index, 0U);
  EXPECT_EQ(t.first.outcome, Outcome::kDone);
  EXPECT_EQ(never.outcome(), Outcome::kCancelled);
  EXPECT_TRUE(t.rig.got(own.w));
}

TYPED_TEST(Awaitables, AwaitedOnItsOwnAfterAnyOfItIsGrantedOnceEach) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  SignalWait never = t.other.wait();
  t.spawn([&] { return t.first_of(own.w, never); });
  t.rig.allow();
  t.turns();
  EXPECT_TRUE(t.rig.got(own.w));
  t.spawn_alone(own.w);
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.granted, 1);
}

TYPED_TEST(Awaitables, NotFirstInAnyOfItLeavesNothingBehind) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  SignalWait told = t.other.wait();
  t.spawn([&] { return t.first_of(own.w, told); });
  t.other.notify();
  t.turns();
  EXPECT_EQ(t.first.index, 1U);
  EXPECT_FALSE(t.rig.got(own.w));
  t.expect_that_the_next_is_granted_once();
  EXPECT_FALSE(t.rig.got(own.w));
}

TYPED_TEST(Awaitables, OfTwoThatAreReadyInOneTurnOneIsGranted) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig), own_too(t.rig);
  t.spawn([&] { return t.first_of(own.w, own_too.w); });
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.first.index, 0U);
  EXPECT_FALSE(t.rig.got(own_too.w));
  EXPECT_TRUE(t.rig.got(own.w));
}

TYPED_TEST(Awaitables, CancelledBeforeItIsGrantedItLeavesNothingBehind) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  t.spawn_alone(own.w);
  own.w.cancel();
  own.w.cancel();
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.granted, 0);
  EXPECT_EQ(t.outcome, Outcome::kCancelled);
  t.expect_that_the_next_is_granted_once();
}

TYPED_TEST(Awaitables, CancelledAfterItWasGrantedItIsGranted) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  t.spawn_alone(own.w);
  t.rig.allow();
  t.then = [&] { own.w.cancel(); };
  t.turns();
  EXPECT_EQ(t.granted, 1);
  EXPECT_EQ(t.outcome, Outcome::kDone);
}

TYPED_TEST(Awaitables, AStopEndsItAndTheNextOne) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig), another(t.rig);
  t.spawn([&]() -> Task<> {
    co_await t.alone(own.w);
    EXPECT_EQ(t.outcome, Outcome::kCancelled);
    t.outcome = Outcome::kDone;
    co_await t.alone(own.w);
    EXPECT_EQ(t.outcome, Outcome::kCancelled);
    SignalWait told = t.other.wait();
    co_await t.first_of(another.w, told);
  });
  t.lcore.request_stop();
  t.rig.allow();  // in the same turn
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.granted, 0);
  EXPECT_EQ(t.first.index, 0U);
  EXPECT_EQ(t.first.outcome, Outcome::kCancelled);
  EXPECT_FALSE(t.rig.got(another.w));
}

TYPED_TEST(Awaitables, WhatNobodyTakesAfterAnyOfIsThereForTheNextAwaitOrGoesWithIt) {
  auto& t = *this;
  t.rig.block();
  auto own = std::make_unique<typename TestFixture::Own>(t.rig);
  SignalWait never = t.other.wait();
  t.spawn([&] { return t.first_of(own->w, never); });
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.running, 0);
  if constexpr (std::is_same_v<TypeParam, test::BulkRig> ||
                std::is_same_v<TypeParam, test::ReceiveRig<rte_mbuf*>>) {
    EXPECT_TRUE(t.rig.got(own->w)) << "what goes to a span of plain pointers is the caller's";
  }
  own.reset();
}

}  // namespace
}  // namespace bab
