#pragma once

#include <string_view>

#include <bab/port/offloads.hpp>

namespace bab {

/// The part of negotiate() for 802.1Q tags.
void agree_on_tags(const rte_eth_dev_info& device, std::string_view port_name,
                   const VlanChoices& choices, Offloads& offloads);

}  // namespace bab
