#include <bab/detail/headers.hpp>

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/eal.hpp>
#include <bab/base/error.hpp>
#include <bab/detail/check.hpp>
#include <bab/memory/buffer_pool.hpp>

namespace bab {
namespace {

using testing::HasSubstr;

template <class Use>
std::string error_of(Use use) {
  try {
    use();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

std::string refusal_of(const detail::Headers& headers) {
  return error_of([&] { detail::check_headers(headers); });
}

TEST(Headers, OfTheLibraryThatRunsAreGood) {
  EXPECT_EQ(refusal_of(detail::kHeaders), "");
  EXPECT_EQ(detail::kHeaders.checks, detail::kChecks);
}

TEST(Headers, OfAnotherBuildAreNamedBesideTheLibrary) {
  auto headers = detail::kHeaders;
  headers.checks = !headers.checks;
  const std::string text = refusal_of(headers);
  EXPECT_THAT(text, HasSubstr("with debug checks"));
  EXPECT_THAT(text, HasSubstr("without debug checks"));
  for (bool detail::Headers::*which : {&detail::Headers::asan, &detail::Headers::tsan}) {
    headers = detail::kHeaders;
    headers.*which = !(headers.*which);
    EXPECT_THAT(refusal_of(headers), HasSubstr("compiled with the headers of bab"));
  }
  headers = detail::kHeaders;
  headers.version = "0.0.1";
  EXPECT_THAT(refusal_of(headers), HasSubstr("bab 0.0.1 "));
}

TEST(Headers, WithOtherLayoutsAreRefused) {
  using detail::Headers;
  for (const auto& [size, name] : {std::pair{&Headers::mempool_bytes, "an rte_mempool is"},
                                   {&Headers::mempool_cache_bytes, "an rte_mempool_cache is"},
                                   {&Headers::mbuf_bytes, "rte_mbuf"},
                                   {&Headers::cache_line_bytes, "RTE_CACHE_LINE_SIZE"},
                                   {&Headers::headroom_bytes, "RTE_PKTMBUF_HEADROOM"},
                                   {&Headers::lcores, "RTE_MAX_LCORE"},
                                   {&Headers::string_bytes, "std::string"},
                                   {&Headers::vector_bytes, "std::vector"}}) {
    auto headers = detail::kHeaders;
    headers.*size = 7;
    EXPECT_THAT(refusal_of(headers), HasSubstr(name));
    EXPECT_THAT(refusal_of(headers), HasSubstr("is 7 in this program"));
  }
}

TEST(Headers, OfAnotherReleaseOfDpdkAreRefused) {
  auto headers = detail::kHeaders;
  headers.dpdk_release = 1908;
  headers.mempool_bytes = 7;  // follows from the other release
  EXPECT_THAT(refusal_of(headers), HasSubstr("compiled with the headers of DPDK 19.08, and"));
}

/// This must compile without a warning. clang once warned here in builds without the library's
/// checks.
TEST(Check, MayBeAllThatALambdaCapturesFor) {
  int calls = 0;
  const auto check = [&calls] { BAB_ASSERT(++calls == 1); };
  check();
  EXPECT_EQ(calls, detail::kChecks ? 1 : 0);
}

TEST(Headers, AreLookedAtBeforeAnythingIsMade) {
  auto headers = detail::kHeaders;
  headers.version = "0.0.1";
  EXPECT_EQ(error_of([&] { Eal::adopt(headers); }), refusal_of(headers));
  EXPECT_EQ(error_of([&] { Eal({}, headers); }), refusal_of(headers));
  EXPECT_EQ(error_of([&] { BufferPool({.name = "headers", .buffers = 8}, headers); }),
            refusal_of(headers));
}

}  // namespace
}  // namespace bab
