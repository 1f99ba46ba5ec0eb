#pragma once

#include <nlohmann/json.hpp>

namespace testbab {

/// The first member of every JSON document that testbab writes. The number is raised when a member
/// goes away, or changes its name, type, unit or meaning. It stays when members are added: readers
/// pass over members that they don't know.
inline constexpr int kJsonSchema = 1;

/// A document with these members.
inline nlohmann::ordered_json json_document(const nlohmann::ordered_json& members) {
  nlohmann::ordered_json all{{"schema", kJsonSchema}};
  all.update(members);
  return all;
}

}  // namespace testbab
