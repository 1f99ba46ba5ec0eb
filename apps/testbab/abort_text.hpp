#pragma once

#include <csignal>

namespace testbab {

/// While one is alive, what goes to a redirected standard error is shown should the process abort: a panic inside EAL's
/// start says why there, and then ends the process.
class ShownOnAbort {
 public:
  ShownOnAbort();
  ShownOnAbort(const ShownOnAbort&) = delete;
  ShownOnAbort& operator=(const ShownOnAbort&) = delete;
  ~ShownOnAbort();

 private:
  struct sigaction before_ {};
};

}  // namespace testbab
