#pragma once

#include <bab/detail/build.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bab {

/// Rows of the form "what came in = the sum of where it went". Every term is counted on its own. A
/// row that doesn't add up shows that something was lost unnoticed.
class Ledger {
 public:
  struct Row {
    std::string name;  ///< "frames received"
    std::uint64_t in = 0;
    std::vector<std::pair<std::string, std::uint64_t>> out;

    [[nodiscard]] std::uint64_t accounted() const noexcept {
      std::uint64_t sum = 0;
      for (const auto& term : out) sum += term.second;
      return sum;
    }
    [[nodiscard]] bool balanced() const noexcept { return in == accounted(); }
    /// What came in and is in no term; negative if the terms add up to more than came in.
    [[nodiscard]] std::int64_t unaccounted() const noexcept {
      return static_cast<std::int64_t>(in - accounted());
    }
  };

  /// Adds a row and returns it, so that terms can be added to it. Valid until the next call of
  /// row().
  Row& row(std::string name, std::uint64_t in) {
    rows_.push_back({std::move(name), in, {}});
    return rows_.back();
  }

  /// The first row of that name, or null. Valid until the next call of row().
  Row* find(const std::string& name) noexcept {
    for (Row& row : rows_)
      if (row.name == name) return &row;
    return nullptr;
  }

  /// Row `i` of rows(). Valid until the next call of row(). Throws std::out_of_range.
  Row& at(std::size_t i) { return rows_.at(i); }

  [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }
  [[nodiscard]] bool balanced() const noexcept {
    for (const Row& row : rows_)
      if (!row.balanced()) return false;
    return true;
  }

 private:
  std::vector<Row> rows_;
};

}  // namespace bab
