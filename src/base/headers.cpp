#include <bab/detail/headers.hpp>

#include <string_view>

#include <fmt/format.h>

#include <bab/base/error.hpp>

namespace bab::detail {
namespace {

void expect_same(std::string_view headers, std::string_view library) {
  if (headers == library) return;
  throw Error(
      fmt::format("this program was compiled with the headers of {}, but runs with the library of "
                  "{}; run it with the library that was installed with those headers "
                  "(LD_LIBRARY_PATH may lead to another one), or compile it with the headers of "
                  "this library",
                  headers, library));
}

std::string name(const Headers& h) {
  return fmt::format("bab {} {} debug checks, {} AddressSanitizer, {} ThreadSanitizer", h.version,
                     h.checks ? "with" : "without", h.asan ? "with" : "without",
                     h.tsan ? "with" : "without");
}

void expect_same(std::string_view what, std::size_t headers, std::size_t library,
                 std::string_view mend) {
  if (headers == library) return;
  throw Error(fmt::format("{} is {} in this program and {} in bab's library; {}", what, headers,
                          library, mend));
}

std::string release(unsigned release) {
  return fmt::format("{}.{:02}", release / 100, release % 100);
}

constexpr std::string_view kAsDpdk =
    "compile this program with the macros of DPDK's own rte_config.h (without "
    "RTE_LIBRTE_MEMPOOL_STATS, for example)";
constexpr std::string_view kAsLibrary =
    "compile this program without macros that change the standard library's types "
    "(-D_GLIBCXX_DEBUG)";

}  // namespace

void check_headers(const Headers& h) {
  const Headers& own = kHeaders;
  expect_same(name(h), name(own));
  if (h.dpdk_release != own.dpdk_release)
    throw Error(
        fmt::format("this program was compiled with the headers of DPDK {}, and bab's library with "
                    "those of DPDK {}; compile both with the same DPDK",
                    release(h.dpdk_release), release(own.dpdk_release)));
  expect_same("the size of an rte_mempool", h.mempool_bytes, own.mempool_bytes, kAsDpdk);
  expect_same("the size of an rte_mempool_cache", h.mempool_cache_bytes, own.mempool_cache_bytes,
              kAsDpdk);
  expect_same("the size of an rte_mbuf", h.mbuf_bytes, own.mbuf_bytes, kAsDpdk);
  expect_same("RTE_CACHE_LINE_SIZE", h.cache_line_bytes, own.cache_line_bytes, kAsDpdk);
  expect_same("RTE_PKTMBUF_HEADROOM", h.headroom_bytes, own.headroom_bytes, kAsDpdk);
  expect_same("RTE_MAX_LCORE", h.lcores, own.lcores, kAsDpdk);
  expect_same("the size of a std::string", h.string_bytes, own.string_bytes, kAsLibrary);
  expect_same("the size of a std::vector", h.vector_bytes, own.vector_bytes, kAsLibrary);
}

}  // namespace bab::detail
