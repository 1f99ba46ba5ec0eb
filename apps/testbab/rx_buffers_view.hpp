#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <bab/port/port.hpp>

namespace testbab {

/// A line of `show port info`: sizes, and what the choice costs.
std::string rx_buffers_text(const bab::Port& port);

nlohmann::ordered_json rx_buffers_json(const bab::RxBuffers& buffers);

/// What to say of a port whose driver splits frames or may do so: what that costs, and how to be
/// without. Empty: nothing need be said. `mbuf_size`: the user's own.
std::string split_note(const bab::Port& port, std::optional<unsigned> mbuf_size);

}  // namespace testbab
