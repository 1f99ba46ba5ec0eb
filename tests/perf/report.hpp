#pragma once

#include <string>
#include <vector>

#include "machine.hpp"
#include "row.hpp"

namespace bench {

void print_machine(const Machine& machine);
void print_header();
void print_row(const Result& result);

/// Writes {"machine": {…}, "rows": [{name, ns, min_ns, max_ns, runs, floor_name, floor_ns, ratio,
/// unit, pingpong_ns, …}]}. Throws std::runtime_error if the file can't be written.
void write_json(const std::string& path, const Machine& machine,
                const std::vector<Result>& results);

}  // namespace bench
