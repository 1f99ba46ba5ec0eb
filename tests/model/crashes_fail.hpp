#pragma once

#include <csignal>

#include "machine.hpp"

namespace bab::test::model {

/// Makes a run fail, with a reason, if it reads or writes an address without memory.
class CrashesFail {
 public:
  CrashesFail() {
    struct sigaction crash {};
    crash.sa_handler = [](int) { Machine::fail("crashed"); };
    crash.sa_flags = SA_NODEFER;  // the handler never returns
    sigaction(SIGSEGV, &crash, &before_);
  }
  CrashesFail(const CrashesFail&) = delete;
  CrashesFail& operator=(const CrashesFail&) = delete;
  ~CrashesFail() { sigaction(SIGSEGV, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

}  // namespace bab::test::model
