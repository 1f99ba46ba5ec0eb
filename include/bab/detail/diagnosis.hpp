#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bab::detail {

/// Says what the machine lacks for a run with these EAL arguments, about the first of `topics` on
/// which something is known: "text; mend". Empty: nothing is known.
using Diagnose = std::string (*)(std::span<const std::string> eal,
                                 std::span<const std::string_view> topics);

/// From now on Eal asks that function why a start failed: the floor of Eal doesn't know the doctor.
/// Null: it asks nobody. Any thread.
void set_diagnose(Diagnose diagnose) noexcept;

/// The answer of that function; empty if none is set.
std::string diagnosis(std::span<const std::string> eal, std::span<const std::string_view> topics);

}  // namespace bab::detail
