#pragma once

#include <memory>
#include <string_view>

namespace bab {
class LogCapture;
}

namespace bab::detail {

constexpr std::string_view kHasAnEal =
    "starting EAL: this process has an EAL, or had one, and can initialise it only once; keep the "
    "first bab::Eal, or use Eal::adopt() if the host application has initialised EAL";

/// Throws Error if this library has started EAL in this process before.
void require_no_eal();

/// Notes that this library has started EAL.
void eal_started() noexcept;

/// Notes that EAL belongs to this process: a child of fork() has no EAL.
void note_eals_process() noexcept;

/// Cleans up the EAL that this library has initialised: at once, or after its last user has gone.
/// `log` holds back EAL's output until then.
void end_eal(std::unique_ptr<LogCapture> log) noexcept;

}  // namespace bab::detail
