#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <bab/port/port.hpp>

namespace testbab {

/// A line of `show port info`: the buffers' sizes, and what the choice costs.
std::string rx_buffers_text(const bab::Port& port);

nlohmann::ordered_json rx_buffers_json(const bab::RxBuffers& buffers);

/// A sentence on a port whose driver splits frames or may do so: what that costs, and how to avoid
/// it. Empty: there is nothing to say. `mbuf_size`: what the user asked for.
std::string split_note(const bab::Port& port, std::optional<unsigned> mbuf_size);

}  // namespace testbab
