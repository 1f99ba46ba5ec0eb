#include "engine_table.hpp"

namespace testbab {

// In a file of its own: a program with other engines brings its own table and all else as it is.
std::span<const Engine* const> engines() { return kEngineTable; }

}  // namespace testbab
