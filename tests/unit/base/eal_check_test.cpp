#include "../../../src/base/eal_check.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_args.hpp>

#include "../../../src/detail/dpdk/eal_options.hpp"
#include "in_child.hpp"

namespace bab {
namespace {

using detail::check_eal_args;
using detail::dpdk::eal_options;
using detail::dpdk::Takes;
using testing::HasSubstr;
using testing::StartsWith;

using Args = std::vector<std::string>;

/// The sentence of the error, or nothing if the check accepts the arguments.
std::string refusal(const Args& args) {
  try {
    check_eal_args(args);
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

/// What EAL itself does with the arguments, in a child process: "refused" or "taken". Since DPDK
/// 25.11, some arguments make EAL end the process. This counts as "refused".
std::string of_eal(const Args& args) {
  const test::Said said =
      test::in_child([&] { return std::string(test::init_eal(args) ? "taken" : "refused"); });
  return said.result.empty() ? "refused" : said.result;
}

Args with(const Args& more) {
  Args args{"--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "16"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(EalCheck, ReadsLcoresAsEalDoes) {
  for (const Args& args : {Args{"-l", "0", "--main-lcore", "0x0"},
                           {"-l", "0", "--main-lcore", "7", "--main-lcore", "0"},
                           {"-l", " 0 ", "--main-lcore", " 0"},
                           {"--lcores", "( 0 , 3 )@0", "--main-lcore", "3"},
                           {"--lcores", "3 @ 0", "--main-lcore", "3"},
                           {"--lcores", "0@( 0 )"},
                           {"-c", "1 ", "--main-lcore", "0"}})
    EXPECT_NO_THROW(detail::check_eal_limits(args)) << testing::PrintToString(args);
  EXPECT_THROW(detail::check_eal_limits(Args{"-l", "0", "--main-lcore", "0x7"}), Error);
  EXPECT_THROW(check_eal_args(Args{"-l", " "}), Error);
}

TEST(EalCheck, TakesWhatEalTakes) {
  for (const Args& args : {Args{"--file-prefix=x", "--iova-mode", "va", "--no-hpet"},
                           {"-n", "4", "-r", "2", "--telemetry"},
                           {"-n2", "--base-virtaddr=0x10000000"},
                           {"-l", "0", "--main-lcore=0x0"},
                           {"--lcores=(0-2)@0,5@(0)"},
                           {"--lcores=0@0,(1,3-4)@(0-0)"},
                           {"--lcores= 0 @ 0 , ( 1 , 2 ) @ 0"},
                           {"-c", "0x1"},
                           {"--proc-type=primary"},
                           {"--proc-type", "AUTO"},
                           {"--vdev", "net_null0,size=64", "--vdev=net_null1"},
                           {"-b", "0000:00:00.0", "-b0000:00:00.1"},
                           {"--vfio-intr=msix", "--force-max-simd-bitwidth=64"},
                           {"--syslog=local7", "--mbuf-pool-ops-name=ring_mp_mc"}}) {
    // Since DPDK 25.11, EAL refuses --telemetry together with --no-telemetry.
    Args all = with(args);
    if (std::count(args.begin(), args.end(), "--telemetry") > 0) std::erase(all, "--no-telemetry");
    SCOPED_TRACE(testing::PrintToString(args));
    EXPECT_EQ(refusal(all), "");
    EXPECT_EQ(of_eal(all), "taken");
  }
}

/// The check refuses only arguments that EAL refuses, too.
TEST(EalCheck, RefusesWhatEalRefuses) {
  for (const Args& args : {Args{"--no-such-option"},
                           {"-Z"},
                           {"--no"},
                           {"--no-huge=yes"},
                           {"--vdev"},
                           {"-n"},
                           {"-n", "0"},
                           {"-n", "many"},
                           {"-r", "17"},
                           {"-l", "0-"},
                           {"-l", "zero"},
                           {"-l", ""},
                           {"-S", "1-0"},
                           {"-c", "0x0"},
                           {"-c", "0g"},
                           {"--lcores=(0-1"},
                           {"--lcores=0,,1"},
                           {"--lcores=,"},
                           {"--lcores=()"},
                           {"--lcores=0@()"},
                           {"--lcores=-1"},
                           {"--lcores=0-1-2"},
                           {"--lcores=0,"},
                           {"--lcores=0@x"},
                           {"--main-lcore=one"},
                           {"--main-lcore=4096"},
                           {"--iova-mode=PA"},
                           {"--proc-type=tertiary"},
                           {"--huge-unlink=sometimes"},
                           {"--huge-unlink="},
                           {"--huge-unlink"},
                           {"--huge-unlink=always"},
                           {"--huge-worker-stack=none"},
                           {"--huge-worker-stack"},
                           {"--vfio-intr=MSI"},
                           {"--socket-mem=64"},
                           {"--socket-mem=x"},
                           {"--socket-limit=64,"},
                           {"--syslog=news7"},
                           {"--file-prefix="},
                           {"--file-prefix=a%b"},
                           {"--huge-dir="},
                           {"--mbuf-pool-ops-name="},
                           {"--match-allocations"},
                           {"--legacy-mem", "--in-memory"},
                           {"-a", "0000:00:00.0", "-b", "0000:00:00.0"},
                           {"-l", "0", "-c", "1"},
                           {"-l", "0", "--lcores=0@0"},
                           {"-c", "1", "-c", "1"}}) {
    SCOPED_TRACE(testing::PrintToString(args));
    const std::string sentence = refusal(with(args));
    EXPECT_THAT(sentence, StartsWith("starting EAL: "));
    EXPECT_THAT(sentence, HasSubstr("; "));
    EXPECT_EQ(sentence.find('\n'), std::string::npos);
    EXPECT_EQ(of_eal(with(args)), "refused");
  }
}

/// EAL leaves words that aren't options to the application. bab::Eal takes none.
TEST(EalCheck, RefusesWords) {
  for (const Args& args : {Args{"word"}, {"--no-pci", "word", "--no-huge"}, {"--", "word"}, {"-"}})
    EXPECT_THAT(refusal(args), HasSubstr("; ")) << testing::PrintToString(args);
  EXPECT_EQ(refusal({"--no-pci", "--"}), "");
}

TEST(EalCheck, KnowsEachOptionOfThisEal) {
  for (const auto& option : eal_options()) {
    const std::string name =
        option.name.empty() ? std::string{'-', option.letter} : std::string(option.name);
    SCOPED_TRACE(name);
    if (name == "--help") continue;  // --help ends the process
    const std::string sentence = refusal({name});
    EXPECT_THAT(sentence, option.takes == Takes::kValue
                              ? testing::Matcher<std::string>(
                                    HasSubstr("'" + name + "' requires an argument"))
                              : testing::Matcher<std::string>(""));
    if (option.takes == Takes::kNothing && name.starts_with("--")) {
      EXPECT_THAT(refusal({name + "=x"}), HasSubstr("takes no value"));
    }
  }
}

TEST(EalCheck, ReadsNamesAsEalDoes) {
  if (!detail::dpdk::getopt_reads_eal_arguments())
    GTEST_SKIP() << "this EAL takes whole names alone";
  EXPECT_EQ(refusal({"--no-hug", "--iova=pa", "--main", "1"}), "");
  EXPECT_THAT(refusal({"--iov=ap"}), HasSubstr("--iova-mode=ap; the value is pa or va"));
  EXPECT_THAT(refusal({"--no-h"}), HasSubstr("fits --no-hpet and --no-huge; write"));
  EXPECT_THAT(refusal({"-vn0"}), HasSubstr("-n 0; "));
}

/// EAL reads a range that goes downwards as no core at all, except in --lcores. If the option has
/// another core beside the range, EAL uses that core.
TEST(EalCheck, TurnsARangeThatGoesDownwards) {
  if (!detail::dpdk::getopt_reads_eal_arguments()) GTEST_SKIP() << "-l is --lcores here";
  EXPECT_THAT(refusal({"-l", "1-0"}), HasSubstr("no core in -l 1-0; ranges go upwards: -l 0-1"));
  EXPECT_THAT(refusal({"-l3-2,1-0"}), HasSubstr(": -l 2-3,0-1"));
  EXPECT_EQ(of_eal(with({"-l", "1-0"})), "refused");
  EXPECT_EQ(refusal({"-l", "1-0-1"}), "") << "EAL takes it";
  for (const Args& args : {Args{"-l", "1-0,0"}, {"--lcores=(1-0)@0"}, {"--lcores=(0,2-1)@(0-0)"}}) {
    SCOPED_TRACE(testing::PrintToString(args));
    EXPECT_EQ(refusal(with(args)), "");
    EXPECT_NO_THROW(detail::check_eal_limits(with(args)));
    EXPECT_EQ(of_eal(with(args)), "taken");
  }
}

TEST(EalCheck, FindsValuesWhereEalDoes) {
  using detail::has_option;
  using detail::option_values;
  using testing::ElementsAre;
  const std::string l = detail::dpdk::getopt_reads_eal_arguments() ? "-l" : "--lcores";
  EXPECT_THAT(option_values(Args{"-n4", "-l", "0", "-l1", "--no-pci"}, l), ElementsAre("0", "1"));
  EXPECT_THAT(option_values(Args{"--vdev=a", "--vdev", "b"}, "--vdev"), ElementsAre("a", "b"));
  EXPECT_THAT(option_values(Args{"-a", "1:0.0", "--allow=2:0.0"}, "--allow"),
              ElementsAre("1:0.0", "2:0.0"));
  // A value isn't read as an option. An option that needs no value doesn't take the next argument
  // as its value.
  EXPECT_THAT(option_values(Args{"--file-prefix", "--vdev", "-l0"}, "--vdev"), ElementsAre());
  EXPECT_THAT(option_values(Args{"--huge-unlink", "-m", "16"}, "--huge-unlink"), ElementsAre());
  EXPECT_FALSE(has_option(Args{"--file-prefix", "--no-pci"}, "--no-pci"));
  // Arguments that EAL would refuse don't hide the other arguments.
  EXPECT_TRUE(has_option(Args{"--no-such-option", "word", "-Z", "--no-pci"}, "--no-pci"));
  EXPECT_FALSE(has_option(Args{"--", "--no-pci"}, "--no-pci"));
  if (!detail::dpdk::getopt_reads_eal_arguments()) return;
  EXPECT_THAT(option_values(Args{"-vl1"}, "-l"), ElementsAre("1"));
  EXPECT_TRUE(has_option(Args{"-hv"}, "-v"));
  EXPECT_TRUE(has_option(Args{"--no-pc"}, "--no-pci"));
  EXPECT_FALSE(has_option(Args{"--no"}, "--no-pci"));
  EXPECT_THROW(detail::check_eal_limits(Args{"-vl1000"}), Error);
}

TEST(EalCheck, SaysAnOptionAsItWasGiven) {
  EXPECT_THAT(refusal({"-l", "zero"}), HasSubstr("invalid value, -l zero; "));
  EXPECT_THAT(refusal({"--lcores", "zero"}), HasSubstr("invalid value, --lcores=zero; "));
  EXPECT_THAT(refusal({"-a", "1:0.0", "--block=2:0.0"}),
              HasSubstr("-a cannot be specified together with --block; "));
  EXPECT_THAT(refusal({"-l", "0", "-l", "1"}), HasSubstr("-l is given more than once; "));
  EXPECT_THAT(refusal({"-l", "0", "--lcores=0@0"}),
              HasSubstr(detail::dpdk::getopt_reads_eal_arguments()
                            ? "--lcores cannot be specified together with -l; "
                            : "--lcores and -l are one option; give it once"));
}

TEST(EalCheck, GoesByTheLastProcessType) {
  if (!detail::dpdk::getopt_reads_eal_arguments()) GTEST_SKIP() << "it may be given once";
  EXPECT_THAT(refusal({"--proc-type=primary", "--proc-type=SECONDARY", "--no-shconf"}),
              HasSubstr("wait for ever"));
  EXPECT_EQ(refusal({"--proc-type=secondary", "--proc-type=primary", "--no-shconf"}), "");
}

TEST(EalCheck, LetsHelpThrough) { EXPECT_EQ(refusal({"--help", "--iova-mode=x"}), ""); }

TEST(EalCheck, ASecondaryThatWouldWaitForEver) {
  EXPECT_THAT(refusal({"--proc-type=secondary", "--no-shconf"}), HasSubstr("wait for ever"));
  EXPECT_EQ(refusal({"--proc-type=secondary", "--file-prefix=x"}), "");
}

}  // namespace
}  // namespace bab
