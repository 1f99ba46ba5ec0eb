#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <bab/wire/moldudp64.hpp>

namespace testbab {

/// A `Value` for each session, `kCapacity` of them at most: memory is taken when it is made, and
/// none later. Values stay where they are. One lcore.
template <class Value, std::size_t kCapacity>
class SessionTable {
 public:
  static_assert((kCapacity & (kCapacity - 1)) == 0);

  SessionTable() : slots_(kSlots), values_(kCapacity), sessions_(kCapacity) {}

  struct Found {
    Value* value;  ///< null: the table is full, and doesn't have the session
    bool is_new;
  };
  /// A new one is Value().
  Found get(const bab::wire::Session& session) noexcept {
    for (std::size_t at = hash(session) % kSlots;; at = (at + 1) % kSlots) {
      std::uint32_t& slot = slots_[at];
      if (slot == kEmpty) {
        if (size_ == kCapacity) return {nullptr, false};
        sessions_[size_] = session;
        slot = static_cast<std::uint32_t>(++size_);
        return {&values_[size_ - 1], true};
      }
      if (sessions_[slot - 1] == session) return {&values_[slot - 1], false};
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// In the order in which they were new.
  [[nodiscard]] auto begin() const noexcept { return values_.begin(); }
  [[nodiscard]] auto end() const noexcept {
    return values_.begin() + static_cast<std::ptrdiff_t>(size_);
  }

 private:
  static constexpr std::size_t kSlots = 2 * kCapacity;
  static constexpr std::uint32_t kEmpty = 0;  // else a place, counted from 1

  static std::size_t hash(const bab::wire::Session& session) noexcept {
    static_assert(sizeof(bab::wire::Session) == 10);
    std::uint64_t front = 0;
    std::uint16_t back = 0;
    std::memcpy(&front, session.data(), sizeof front);
    std::memcpy(&back, session.data() + sizeof front, sizeof back);
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;  // Fibonacci hashing
    const std::uint64_t mixed = (front ^ std::uint64_t{back} << 24) * kGolden;
    return static_cast<std::size_t>((mixed ^ mixed >> 29) * kGolden >> 32);
  }

  std::vector<std::uint32_t> slots_;
  std::vector<Value> values_;
  std::vector<bab::wire::Session> sessions_;
  std::size_t size_ = 0;
};

}  // namespace testbab
