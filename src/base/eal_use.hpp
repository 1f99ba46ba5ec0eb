#pragma once

#include <memory>

namespace bab {
class LogCapture;
}

namespace bab::detail {

/// Cleans EAL up, which this library has initialised: now, or after its last user. `log` keeps back what EAL prints
/// until then.
void end_eal(std::unique_ptr<LogCapture> log) noexcept;

}  // namespace bab::detail
