#pragma once

#include <cstdio>

namespace testbab {

/// While an object of this class lives, text that is written to C's stdout and stderr is thrown
/// away. EAL prints its usage there and, until 24.11, "EAL: FATAL: …", before the one sentence that
/// testbab says. The file descriptors stay as they are: DPDK's last words before an abort are seen.
/// Only for a program whose other threads write nothing, with a C library in which stdout and
/// stderr can be set (glibc).
class EalsOwnText {
 public:
  EalsOwnText();
  EalsOwnText(const EalsOwnText&) = delete;
  EalsOwnText& operator=(const EalsOwnText&) = delete;
  ~EalsOwnText();

 private:
  std::FILE* out_ = stdout;
  std::FILE* err_ = stderr;
  std::FILE* nowhere_;
};

}  // namespace testbab
