#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bab::detail {

/// What the machine lacks for a run with these EAL arguments, about one of `topics`, the first one
/// first: "text; mend". Empty: nothing that is known.
using Diagnose = std::string (*)(std::span<const std::string> eal,
                                 std::span<const std::string_view> topics);

/// From now on Eal asks that function why a start failed: EAL's floor knows of no doctor. Null: it
/// asks nobody. Any thread.
void set_diagnose(Diagnose diagnose) noexcept;

/// What the one that was set says; empty, where none was.
std::string diagnosis(std::span<const std::string> eal, std::span<const std::string_view> topics);

}  // namespace bab::detail
