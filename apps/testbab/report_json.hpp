#pragma once

#include <string>

#include "summary.hpp"

namespace testbab {

/// The summary as one JSON object.
std::string to_json(const Summary& summary);

/// Writes it to `path`, or to standard output for "-". Throws bab::Error when not all of it got there.
void write_json(const std::string& path, const Summary& summary);

}  // namespace testbab
