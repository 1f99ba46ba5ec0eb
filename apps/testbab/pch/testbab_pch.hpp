// Not a header to include: what most of testbab includes, compiled once. (-Db_pch=false builds
// without.) Files that use what DPDK calls experimental say so themselves; a build without this
// header shows it.
#define ALLOW_EXPERIMENTAL_API
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include <bab/bab.hpp>
