#include <memory>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "awaitables.hpp"

/// What an awaitable does that is awaited where or when it can't be, or goes in the middle of it.
namespace bab {
namespace {

using test::AwaitableRigs;
using test::Awaitables;
using test::Loose;

template <class Rig>
struct AwaitablesMisuse : Awaitables<Rig> {
  using Own = typename Awaitables<Rig>::Own;
  using Awaitable = typename Awaitables<Rig>::Awaitable;

  Loose loose(Awaitable& w) {
    (void)co_await w;
    ++went_on;
  }
  Loose loose_first_of(Awaitable& w, Wait& or_else) {
    (void)co_await AnyOf(w, or_else);
    ++went_on;
  }
  /// In a turn of its lcore.
  template <class Begin>
  void begin(Begin what) {
    this->spawn([what]() -> Task<> {
      what();
      co_return;
    });
  }
  int went_on = 0;
};
TYPED_TEST_SUITE(AwaitablesMisuse, AwaitableRigs);

TYPED_TEST(AwaitablesMisuse, ASecondAwaitWhileItWaitsIsRefused) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  t.spawn_alone(own.w);
  t.spawn([&]() -> Task<> {
    co_await t.alone(own.w);
    EXPECT_EQ(t.granted, 0);
    EXPECT_EQ(t.outcome, Outcome::kRefused);
  });
  EXPECT_EQ(t.running, 1);
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.granted, 1);
  EXPECT_EQ(t.outcome, Outcome::kDone);
}

TYPED_TEST(AwaitablesMisuse, ASecondAwaitBetweenItsGrantAndItsGoingOnIsRefused) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  t.spawn_alone(own.w);
  Loose second;
  t.then = [&] {
    EXPECT_FALSE(own.w.waiting());
    second = t.loose(own.w);
    EXPECT_EQ(t.went_on, 1);
  };
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.went_on, 1);
  EXPECT_EQ(t.granted, 1);
  EXPECT_EQ(t.outcome, Outcome::kDone);
}

TYPED_TEST(AwaitablesMisuse, AnyOfOfOneThatWaitsIsRefusedAndBeginsNothing) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  SignalWait told = t.other.wait();
  t.spawn_alone(own.w);
  t.spawn([&]() -> Task<> { t.first = co_await AnyOf(told, own.w); });
  EXPECT_EQ(t.first.index, 1U);
  EXPECT_EQ(t.first.outcome, Outcome::kRefused);
  EXPECT_FALSE(told.waiting());
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.granted, 1);
}

TYPED_TEST(AwaitablesMisuse, C07_TheSameTwiceInOneAnyOfIsRefused) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  SignalWait told = t.other.wait();
  t.spawn([&]() -> Task<> { t.first = co_await AnyOf(own.w, told, own.w); });
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.first.index, 2U);
  EXPECT_EQ(t.first.outcome, Outcome::kRefused);
  EXPECT_FALSE(own.w.waiting());
  t.spawn_alone(own.w);
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.granted, 1);
}

TYPED_TEST(AwaitablesMisuse, OnAnotherLcoreThanWhereItWaitsItIsRefused) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  t.spawn_alone(own.w);
  Lcore another;
  another.spawn([&] { return t.alone(own.w); });
  another.turn(t.rig.now);
  EXPECT_EQ(another.tasks(), 0U);
  EXPECT_EQ(t.outcome, Outcome::kRefused);
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.granted, 1);
  EXPECT_EQ(t.outcome, Outcome::kDone);
}

TYPED_TEST(AwaitablesMisuse, OutsideOfATurnItIsRefused) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig), another(t.rig);
  const Loose alone = t.loose(own.w);
  EXPECT_EQ(t.went_on, 1);
  EXPECT_EQ(TestFixture::wait(own.w).outcome(), Outcome::kRefused);
  const Loose either = t.loose_first_of(own.w, another.w);
  EXPECT_EQ(t.went_on, 2);
  t.spawn_alone(own.w);
  t.rig.allow();
  t.turns();
  EXPECT_EQ(t.granted, 1);
}

TYPED_TEST(AwaitablesMisuse, ItsCoroutineGoesWhileItWaits) {
  auto& t = *this;
  t.rig.block();
  Loose loose, either;
  SignalWait told = t.other.wait();
  t.begin([&] {
    loose = [](auto& test) -> Loose {
      typename TestFixture::Own own(test.rig);
      (void)co_await own.w;
      ++test.went_on;
    }(t);
    either = [](auto& test, Wait& or_else) -> Loose {
      typename TestFixture::Own own(test.rig);
      (void)co_await AnyOf(own.w, or_else);
      ++test.went_on;
    }(t, told);
  });
  t.turns();
  EXPECT_TRUE(told.waiting());
  loose = Loose();
  either = Loose();
  EXPECT_FALSE(told.waiting());
  t.other.notify();
  t.expect_that_the_next_is_granted_once();
  EXPECT_EQ(t.went_on, 0);
}

TYPED_TEST(AwaitablesMisuse, ItsCoroutineGoesBetweenItsGrantAndItsGoingOn) {
  auto& t = *this;
  t.rig.block();
  Loose loose;
  t.begin([&] {
    loose = [](auto& test) -> Loose {
      typename TestFixture::Own own(test.rig);
      (void)co_await own.w;
      ++test.went_on;
    }(t);
  });
  t.rig.allow();
  t.then = [&] { loose = Loose(); };
  t.turns();
  EXPECT_EQ(t.went_on, 0);
}

TYPED_TEST(AwaitablesMisuse, C04_SoDoesThatOfAnAnyOf) {
  auto& t = *this;
  t.rig.block();
  Loose loose;
  SignalWait told = t.other.wait();
  t.begin([&] {
    loose = [](auto& test, Wait& or_else) -> Loose {
      typename TestFixture::Own own(test.rig);
      (void)co_await AnyOf(own.w, or_else);
      ++test.went_on;
    }(t, told);
  });
  t.rig.allow();
  t.then = [&] { loose = Loose(); };
  t.turns();
  EXPECT_EQ(t.went_on, 0);
  EXPECT_FALSE(told.waiting());
}

TYPED_TEST(AwaitablesMisuse, AnAnyOfGoesAndItsWaitsStay) {
  auto& t = *this;
  t.rig.block();
  typename TestFixture::Own own(t.rig);
  SignalWait told = t.other.wait();
  Loose loose;
  t.begin([&] { loose = t.loose_first_of(own.w, told); });
  loose = Loose();
  EXPECT_FALSE(own.w.waiting());
  EXPECT_FALSE(told.waiting());
  t.begin([&] { loose = t.loose_first_of(own.w, told); });
  t.rig.allow();
  t.then = [&] { loose = Loose(); };
  t.turns();
  EXPECT_EQ(t.went_on, 0);
  EXPECT_FALSE(t.rig.got(own.w)) << "nobody was told";
}

TYPED_TEST(AwaitablesMisuse, AWaitGoesAndItsAnyOfStays) {
  auto& t = *this;
  t.rig.block();
  auto own = std::make_unique<typename TestFixture::Own>(t.rig);
  SignalWait told = t.other.wait();
  t.spawn([&] { return t.first_of(own->w, told); });
  own.reset();
  t.other.notify();
  t.turns();
  EXPECT_EQ(t.running, 0);
  EXPECT_EQ(t.first.index, 1U);
  t.expect_that_the_next_is_granted_once();
}

/// Each is either refused or does what needs no id.
TYPED_TEST(AwaitablesMisuse, C03_AThreadWithoutAnLcoreIdBreaksNothing) {
  if (!TypeParam::kAnyThread) GTEST_SKIP() << "a Packet can't be there";
  auto& t = *this;
  typename TestFixture::Own own(t.rig), another(t.rig);
  const auto await_all = [](auto& test, auto& w, auto& again, Wait& told) -> Task<> {
    co_await test.alone(w);
    co_await test.alone(again);
    (void)co_await AnyOf(again, told);
    (void)test.rig.got(again);
  };
  std::thread([&] {
    Lcore here;
    SignalWait told = t.other.wait();
    here.spawn([&] { return await_all(t, own.w, another.w, told); });
    for (int i = 0; i < 3; ++i) here.turn(t.rig.now);
    here.request_stop();
    for (int i = 0; i < 3; ++i) here.turn(t.rig.now);
    EXPECT_EQ(here.tasks(), 0U);
  }).join();
}

}  // namespace
}  // namespace bab
