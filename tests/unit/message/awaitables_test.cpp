#include <gtest/gtest.h>

#include "awaitables.hpp"

/// Rules for every awaitable, however it is used: nothing leaks, nothing is granted twice, nothing
/// runs twice.
namespace bab {
namespace {

using test::Awaitables;

INSTANTIATE_TEST_SUITE_P(, Awaitables, testing::ValuesIn(test::all_awaitables()), test::name_of);

TEST_P(Awaitables, MadeAndNeverAwaitedItHasNoEffect) {
  rig->block();
  { const auto own = rig->make(); }
  turns();
  expect_that_the_next_is_granted_once();
}

TEST_P(Awaitables, WaitsAndIsGrantedOnce) {
  rig->block();
  const auto own = rig->make();
  spawn_alone(*own);
  turns();
  EXPECT_EQ(running, 1);
  rig->allow();
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(granted, 1);
  EXPECT_EQ(outcome, Outcome::kDone);
}

TEST_P(Awaitables, AwaitedAgainItIsGrantedAgain) {
  rig->block();
  const auto own = rig->make();
  for (int n = 1; n <= 3; ++n) {
    spawn_alone(*own);
    turns();
    EXPECT_EQ(running, n == 1 || GetParam().again ? 1 : 0);
    if (running > 0) rig->allow();
    turns();
    EXPECT_EQ(running, 0);
    EXPECT_EQ(granted, n);
  }
}

TEST_P(Awaitables, C04_FirstInAnyOfItIsGrantedOnce) {
  rig->block();
  const auto own = rig->make();
  SignalWait never = other.wait();
  spawn([&] { return first_of(own->wait(), never); });
  rig->allow();
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(first.index, 0U);
  EXPECT_EQ(first.outcome, Outcome::kDone);
  EXPECT_EQ(never.outcome(), Outcome::kCancelled);
  EXPECT_TRUE(own->got());
}

TEST_P(Awaitables, AwaitedOnItsOwnAfterAnyOfItIsGrantedOnceEach) {
  rig->block();
  const auto own = rig->make();
  SignalWait never = other.wait();
  spawn([&] { return first_of(own->wait(), never); });
  rig->allow();
  turns();
  EXPECT_TRUE(own->got());
  spawn_alone(*own);
  rig->allow();
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(granted, 1);
}

TEST_P(Awaitables, NotFirstInAnyOfItLeavesNothingBehind) {
  rig->block();
  const auto own = rig->make();
  SignalWait told = other.wait();
  spawn([&] { return first_of(own->wait(), told); });
  other.notify();
  turns();
  EXPECT_EQ(first.index, 1U);
  EXPECT_FALSE(own->got());
  expect_that_the_next_is_granted_once();
  EXPECT_FALSE(own->got());
}

TEST_P(Awaitables, OfTwoThatAreReadyInOneTurnOneIsGranted) {
  rig->block();
  const auto own = rig->make(), own_too = rig->make();
  spawn([&] { return first_of(own->wait(), own_too->wait()); });
  rig->allow();
  turns();
  EXPECT_EQ(first.index, 0U);
  EXPECT_FALSE(own_too->got());
  EXPECT_TRUE(own->got());
}

TEST_P(Awaitables, CancelledBeforeItIsGrantedItLeavesNothingBehind) {
  rig->block();
  const auto own = rig->make();
  spawn_alone(*own);
  own->wait().cancel();
  own->wait().cancel();
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(granted, 0);
  EXPECT_EQ(outcome, Outcome::kCancelled);
  expect_that_the_next_is_granted_once();
}

TEST_P(Awaitables, CancelledAfterItWasGrantedItIsGranted) {
  rig->block();
  const auto own = rig->make();
  spawn_alone(*own);
  rig->allow();
  then = [&] { own->wait().cancel(); };
  turns();
  EXPECT_EQ(granted, 1);
  EXPECT_EQ(outcome, Outcome::kDone);
}

TEST_P(Awaitables, AStopEndsItAndTheNextOne) {
  rig->block();
  const auto own = rig->make(), another = rig->make();
  spawn([&]() -> Task<> {
    co_await alone(*own);
    EXPECT_EQ(outcome, Outcome::kCancelled);
    outcome = Outcome::kDone;
    co_await alone(*own);
    EXPECT_EQ(outcome, Outcome::kCancelled);
    SignalWait told = other.wait();
    co_await first_of(another->wait(), told);
  });
  lcore.request_stop();
  rig->allow();  // in the same turn
  turns();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(granted, 0);
  EXPECT_EQ(first.index, 0U);
  EXPECT_EQ(first.outcome, Outcome::kCancelled);
  EXPECT_FALSE(another->got());
}

TEST_P(Awaitables, WhatNobodyTakesAfterAnyOfIsThereForTheNextAwaitOrGoesWithIt) {
  rig->block();
  auto own = rig->make();
  SignalWait never = other.wait();
  spawn([&] { return first_of(own->wait(), never); });
  rig->allow();
  turns();
  EXPECT_EQ(running, 0);
  if (GetParam().callers) {
    EXPECT_TRUE(own->got()) << "what goes to a span of plain pointers is the caller's";
  }
  own.reset();
}

}  // namespace
}  // namespace bab
