#include <functional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <bab/lcore/lcore.hpp>

namespace bab {
namespace {

/// Appends its name to the log, then calls `then`, if there is one.
struct Poller {
  unsigned poll(std::uint64_t) {
    *log += name;
    if (then) then();
    return 1;
  }
  std::string* log;
  char name;
  std::function<void()> then{};
};

struct Pollers : testing::Test {
  Pollers() {
    for (Poller* p : {&a, &b, &c}) lcore.add(*p);
  }
  std::string turn() {
    log.clear();
    const unsigned work = lcore.turn(++now);
    EXPECT_EQ(work, log.size());
    return log;
  }
  Lcore lcore;
  std::uint64_t now = 0;
  std::string log;
  Poller a{&log, 'a'}, b{&log, 'b'}, c{&log, 'c'}, d{&log, 'd'};
};

TEST_F(Pollers, RemovedBetweenTurnsItIsNotCalledAnyMore) {
  EXPECT_EQ(turn(), "abc");
  EXPECT_TRUE(lcore.remove(b));
  EXPECT_EQ(turn(), "ac");
  EXPECT_FALSE(lcore.remove(b)) << "it isn't there any more";
  EXPECT_FALSE(lcore.remove(d)) << "it never was";
  lcore.add(b);
  EXPECT_EQ(turn(), "acb");
}

TEST_F(Pollers, RemovedItIsGoneHoweverOftenItWasAdded) {
  lcore.add(a);
  EXPECT_EQ(turn(), "abca");
  EXPECT_TRUE(lcore.remove(a));
  EXPECT_EQ(turn(), "bc");
}

TEST_F(Pollers, OneRemovesItselfInItsPoll) {
  a.then = [this] { EXPECT_TRUE(lcore.remove(a)); };
  EXPECT_EQ(turn(), "abc");
  EXPECT_EQ(turn(), "bc");
}

TEST_F(Pollers, OneRemovesOthersInItsPollAndTheyAreLeftOut) {
  b.then = [this] {
    EXPECT_TRUE(lcore.remove(a));
    EXPECT_TRUE(lcore.remove(c));
    EXPECT_FALSE(lcore.remove(c));
  };
  EXPECT_EQ(turn(), "ab");
  b.then = nullptr;
  EXPECT_EQ(turn(), "b");
}

TEST_F(Pollers, WhatAPollAddsIsCalledFromTheNextTurnOn) {
  a.then = [this] {
    for (int i = 0; i < 100; ++i) lcore.add(d);  // more than the reserved room takes
    a.then = nullptr;
  };
  EXPECT_EQ(turn(), "abc");
  EXPECT_EQ(turn(), "abc" + std::string(100, 'd'));
}

TEST_F(Pollers, RemovedAndAddedInOnePollItHasItsTurnInTheNextOne) {
  a.then = [this] {
    EXPECT_TRUE(lcore.remove(b));
    lcore.add(b);
    a.then = nullptr;
  };
  EXPECT_EQ(turn(), "ac");
  EXPECT_EQ(turn(), "acb");
}

TEST_F(Pollers, ATaskRemovesOne) {
  lcore.spawn([this]() -> Task<> {
    EXPECT_TRUE(lcore.remove(b));
    co_return;
  });
  EXPECT_EQ(lcore.turn(++now), 4U);
  EXPECT_EQ(turn(), "ac");
}

TEST_F(Pollers, OneThatThrowsStaysAndThoseRemovedGo) {
  a.then = [this] {
    lcore.remove(b);
    throw std::runtime_error("poll");
  };
  EXPECT_THROW(lcore.turn(++now), std::runtime_error);
  a.then = nullptr;
  EXPECT_EQ(turn(), "ac");
}

/// A poller and its first member are at the same address.
struct Outer {
  Poller first;
  unsigned poll(std::uint64_t) {
    *first.log += 'o';
    return 1;
  }
};

TEST_F(Pollers, OneAndItsFirstMemberAreTwo) {
  Outer outer{{&log, 'f'}};
  lcore.add(outer);
  lcore.add(outer.first);
  EXPECT_EQ(turn(), "abcof");
  EXPECT_TRUE(lcore.remove(outer));
  EXPECT_EQ(turn(), "abcf");
  EXPECT_TRUE(lcore.remove(outer.first));
}

}  // namespace
}  // namespace bab
