#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <bab/port/port.hpp>

namespace testbab {

/// The parts of a frame by which port `id` chooses the RX queue, in testpmd's words, as the port
/// says itself. Empty: it doesn't spread frames over queues.
std::vector<std::string_view> rss_functions(std::uint16_t id);

/// The same as a sentence for people, or why frames aren't spread.
std::string rss_text(const bab::Port& port, const std::vector<std::string_view>& functions);

/// A sentence if several RX queues were asked for and the port doesn't spread frames over them.
/// Else empty.
std::string rss_note(const bab::Port& port);

}  // namespace testbab
