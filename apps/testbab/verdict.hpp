#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "summary.hpp"

namespace testbab {

enum class Grade : std::uint8_t {
  kGood,     ///< every message is accounted for, every buffer is back
  kGoodBut,  ///< so it is, and some of what arrived, or was to be sent, was incomplete or unusable
  kFault,    ///< the bus lost, corrupted or leaked something, or the ledger doesn't balance
};

/// "good", "good_but", "fault".
std::string_view grade_name(Grade grade) noexcept;

/// What came of a run.
struct Verdict {
  Grade grade = Grade::kGood;
  std::string fault;  ///< in one sentence
  /// Of kGoodBut and of kFault: a sentence each, with the likely cause and its mend.
  std::vector<std::string> reservations;

  /// A line each.
  [[nodiscard]] std::string text() const;
  /// 0 good; 1 a fault; with `strict`, 3 good, but.
  [[nodiscard]] int exit_code(bool strict) const noexcept;
};

Verdict verdict_of(const Summary& summary);

}  // namespace testbab
