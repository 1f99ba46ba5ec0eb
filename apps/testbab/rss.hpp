#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <bab/port/port.hpp>

namespace testbab {

/// What port `id` spreads frames over its RX queues by, as it says itself, in testpmd's words;
/// empty: by nothing.
std::vector<std::string_view> rss_functions(std::uint16_t id);

/// The same for people: which, or why none.
std::string rss_text(const bab::Port& port, const std::vector<std::string_view>& functions);

/// A sentence where several RX queues were asked for and the port spreads nothing over them; else
/// empty.
std::string rss_note(const bab::Port& port);

}  // namespace testbab
