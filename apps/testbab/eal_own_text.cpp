#include "eal_own_text.hpp"

namespace testbab {
namespace {

/// Stays open for ever: a library that kept the pointer, or a thread of EAL's, may write to it
/// later.
std::FILE* nowhere() {
  static std::FILE* const file = std::fopen("/dev/null", "we");
  return file;
}

}  // namespace

EalsOwnText::EalsOwnText() : nowhere_(nowhere()) {
  if (nowhere_ == nullptr) return;  // EAL's text is then seen
  stdout = nowhere_;
  stderr = nowhere_;
}

EalsOwnText::~EalsOwnText() {
  if (nowhere_ == nullptr) return;
  stdout = out_;
  stderr = err_;
}

}  // namespace testbab
