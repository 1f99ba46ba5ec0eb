#include "flags.hpp"

#include <string_view>

#include <fmt/format.h>

namespace testbab {
namespace {

std::string_view flags_of(bab::Setting setting) {
  switch (setting) {
    case bab::Setting::kNone:
      return "";
    case bab::Setting::kMtu:
      return "--mtu";
    case bab::Setting::kQueues:
      return "--rxq, --txq";
    case bab::Setting::kTxChecksum:
      return "--tx-checksum";
    case bab::Setting::kRxChecksum:
      return "--rx-checksum";
    case bab::Setting::kTxVlan:
      return "--tx-vlan";
    case bab::Setting::kEalArguments:
      return "testbab -h --";
  }
  return "";
}

std::string behind(std::string_view sentence, bab::Setting setting) {
  const std::string_view flags = flags_of(setting);
  return flags.empty() ? std::string(sentence) : fmt::format("{} ({})", sentence, flags);
}

}  // namespace

std::string with_flags(const std::exception& error) {
  const auto* ours = dynamic_cast<const bab::Error*>(&error);
  return behind(error.what(), ours != nullptr ? ours->setting() : bab::Setting::kNone);
}

std::string mend_with_flags(const bab::Finding& finding) {
  return behind(finding.mend, finding.setting);
}

}  // namespace testbab
