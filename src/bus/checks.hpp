#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <bab/bus/bus_options.hpp>
#include <bab/bus/endpoint.hpp>
#include <bab/message/flush_policy.hpp>
#include <bab/wire/frame_header.hpp>

#include "port_unit.hpp"

namespace bab::detail {

// What a Bus is asked for, looked at before anything is made of it. All throw Error.

/// What the options say by themselves: needs no EAL.
void check_options(const BusOptions& options);

/// The devices that are meant, once EAL is there. Nothing of them is touched.
std::vector<PortChoice> choose_ports(const BusOptions& options);

/// The worker lcores that may be used, ascending.
std::vector<unsigned> choose_lcores(const BusOptions& options);

/// `what` begins the sentence.
wire::Session session_of(std::string_view what, std::string_view name);
/// Another one for each call, in this process and in one that starts later: the time in
/// microseconds, in base 36.
std::string new_session_name();
void check_vlan(std::string_view what, std::optional<std::uint16_t> vlan);

/// The header of a publication's frames but for what its port says, and when its frames go.
/// `is_ring`: no address is looked at on its way.
wire::FrameHeaderOptions header_of(std::string_view what, const PublishOptions& options,
                                   bool is_ring);
FlushPolicy flush_of(std::string_view what, const PublishOptions& options);

}  // namespace bab::detail
