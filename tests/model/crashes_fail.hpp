#pragma once

#include <csignal>

#include "machine.hpp"

namespace bab::test::model {

/// A run that reads or writes where no memory is has failed, and says so.
class CrashesFail {
 public:
  CrashesFail() {
    struct sigaction crash {};
    crash.sa_handler = [](int) { Machine::fail("crashed"); };
    crash.sa_flags = SA_NODEFER;  // nobody returns from the handler
    sigaction(SIGSEGV, &crash, &before_);
  }
  CrashesFail(const CrashesFail&) = delete;
  CrashesFail& operator=(const CrashesFail&) = delete;
  ~CrashesFail() { sigaction(SIGSEGV, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

}  // namespace bab::test::model
