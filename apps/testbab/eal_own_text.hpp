#pragma once

#include <cstdio>

namespace testbab {

/// While one is alive, what is written to C's stdout and stderr goes nowhere: EAL prints its usage
/// there and, until 24.11, "EAL: FATAL: …", in front of the one sentence that we say. The file
/// descriptors stay what they are: what DPDK says before it aborts is seen. For a program whose
/// other threads write nothing, on a C library whose stdout and stderr can be set (glibc).
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
