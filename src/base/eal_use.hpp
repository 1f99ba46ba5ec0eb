#pragma once

#include <memory>
#include <string_view>

namespace bab {
class LogCapture;
}

namespace bab::detail {

constexpr std::string_view kHasAnEal =
    "starting EAL: this process has one, or had: it can be initialised once; keep the first "
    "bab::Eal, or use Eal::adopt() "
    "where the host application has initialised it";

/// Throws Error where this library has started an EAL in this process.
void require_no_eal();

/// This library has started EAL.
void eal_started() noexcept;

/// EAL is there, and this process's: a child of fork() has none of it.
void note_eals_process() noexcept;

/// Cleans EAL up, which this library has initialised: now, or after its last user. `log` keeps back
/// what EAL prints until then.
void end_eal(std::unique_ptr<LogCapture> log) noexcept;

}  // namespace bab::detail
