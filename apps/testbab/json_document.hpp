#pragma once

#include <nlohmann/json.hpp>

namespace testbab {

/// The first member of every JSON document that testbab writes. It is raised when a member goes, or
/// changes its name, type, unit or meaning. Members that are added don't raise it: readers pass
/// over those that they don't know.
inline constexpr int kJsonSchema = 1;

/// The document that has these members.
inline nlohmann::ordered_json json_document(const nlohmann::ordered_json& members) {
  nlohmann::ordered_json all{{"schema", kJsonSchema}};
  all.update(members);
  return all;
}

}  // namespace testbab
