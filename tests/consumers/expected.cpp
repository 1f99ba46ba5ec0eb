/// A header of C++23: bab.pc leaves the choice of the standard to the application.
#include <expected>

#include <bab/base/error.hpp>
#include <bab/memory/buffer_meta.hpp>

int main() { return std::expected<int, int>(1).value() - 1; }
