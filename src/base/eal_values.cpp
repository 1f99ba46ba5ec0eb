#include <strings.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <rte_lcore.h>

#include "eal_check.hpp"

namespace bab::detail {
namespace {

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), value) != all.end();
}

bool consists_of(std::string_view value, std::string_view characters) {
  return !value.empty() && value.find_first_not_of(characters) == std::string_view::npos;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// EAL itself uses atoi() and strtol(), too.

bool is_from(std::string_view value, int lowest, int highest) {
  const int n = std::atoi(std::string(value).c_str());
  return n >= lowest && n <= highest;
}

bool is_core_list(std::string_view value) {
  const std::size_t last = value.find_last_not_of(" \t");
  return consists_of(value, "0123456789,-+ \t") && last != std::string_view::npos &&
         is_digit(value[last]);
}

/// lcores[@CPUs][,…]: each of them is a number, a range, or several of these in brackets.
class LcoreMap {
 public:
  explicit LcoreMap(std::string_view text) : text_(text) {
    std::erase_if(text_, [](char c) { return c == ' ' || c == '\t' || c == '+'; });
  }
  bool is_one() {
    do
      if (!set() || (take('@') && !set())) return false;
    while (take(','));
    return at_ == text_.size();
  }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }
  bool range() { return number() && (!take('-') || number()); }
  bool set() {
    if (!take('(')) return range();
    do
      if (!range()) return false;
    while (take(','));
    return take(')');
  }

  std::string text_;
  std::size_t at_ = 0;
};

bool is_lcore_map(std::string_view value) { return LcoreMap(value).is_one(); }

bool is_mask(std::string_view value) {
  if (value.starts_with("0x") || value.starts_with("0X")) value.remove_prefix(2);
  return consists_of(value, "0123456789abcdefABCDEFxX \t") &&
         value.find_first_not_of("0 \t") != std::string_view::npos;
}

bool is_process_type(std::string_view value) {
  const std::string type(value);
  for (const char* known : {"primary", "secondary", "auto"})
    if (strcasecmp(type.c_str(), known) == 0) return true;
  return false;
}

bool is_lcore(std::string_view value) {
  const std::string text(value);
  char* end = nullptr;
  const long n = std::strtol(text.c_str(), &end, 0);
  return *end == '\0' && n >= 0 && n < RTE_MAX_LCORE;
}

bool is_stack_size(std::string_view value) {
  return value.empty() || std::strtoul(std::string(value).c_str(), nullptr, 10) != 0;
}

bool is_facility(std::string_view value) {
  return is_one_of(value, {"auth", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog",
                           "user", "uucp", "local0", "local1", "local2", "local3", "local4",
                           "local5", "local6", "local7"});
}

bool is_memory_per_node(std::string_view value) {
  return consists_of(value, "0123456789,+ ") && is_digit(value.back());
}

bool is_prefix(std::string_view value) {
  return !value.empty() && value.find('%') == std::string_view::npos;
}

bool is_something(std::string_view value) { return !value.empty(); }

struct Value {
  std::string_view option;
  bool (*fits)(std::string_view value);
  std::string_view takes;
};

constexpr std::string_view kCores = "the value is a core list: numbers and ranges, such as 0,2-3";
constexpr std::string_view kLcores =
    "the value is a core list: numbers and ranges, such as 0,2-3, or lcores@CPUs, such as 0@0,1@1 "
    "or (0-1)@0";
constexpr std::string_view kMask =
    "the value is a coremask: hexadecimal, with at least one bit set";
constexpr std::string_view kNodes = "the value is the MiB of each NUMA node, such as 512,0";

/// No value that EAL takes is refused, except nonsense such as "(0)-". Some values that EAL refuses
/// may pass, if their form is rare.
constexpr std::array kValues{
    Value{"-l", is_core_list, kCores},
    Value{"-S", is_core_list, kCores},
    Value{"-c", is_mask, kMask},
    Value{"-s", is_mask, kMask},
    Value{"--lcores", is_lcore_map, kLcores},
    Value{"--main-lcore", is_lcore, "the value is the number of an lcore"},
    Value{"-n", [](auto v) { return !is_from(v, 0, 0); },
          "the value is the number of memory channels, from 1"},
    Value{"-r", [](auto v) { return is_from(v, 1, 16); },
          "the value is the number of memory ranks, from 1 to 16"},
    Value{"--iova-mode",
          [](auto v) {
            return is_one_of(v, {"pa", "va"});
          },
          "the value is pa or va"},
    Value{"--proc-type", is_process_type, "the process type is primary, secondary or auto"},
    Value{"--huge-unlink",
          [](auto v) {
            return is_one_of(v, {"always", "existing", "never"});
          },
          "the value is always, existing or never"},
    Value{"--huge-worker-stack", is_stack_size, "the value is a size in KiB, from 1"},
    Value{"--vfio-intr",
          [](auto v) {
            return is_one_of(v, {"legacy", "msi", "msix"});
          },
          "the value is legacy, msi or msix"},
    Value{"--socket-mem", is_memory_per_node, kNodes},
    Value{"--numa-mem", is_memory_per_node, kNodes},
    Value{"--socket-limit", is_memory_per_node, kNodes},
    Value{"--numa-limit", is_memory_per_node, kNodes},
    Value{"--syslog", is_facility, "the value is a facility of syslog: daemon, user, local0 …"},
    Value{"--file-prefix", is_prefix, "give it a name without %, or leave --file-prefix out"},
    Value{"--huge-dir", is_something, "give it a directory, or leave --huge-dir out"},
    Value{"--mbuf-pool-ops-name", is_something,
          "give it a name, or leave --mbuf-pool-ops-name out"},
};

}  // namespace

std::string_view wrong_value(std::string_view option, std::string_view value) {
  for (const Value& known : kValues)
    if (known.option == option) return known.fits(value) ? std::string_view() : known.takes;
  return {};
}

std::string range_upwards(std::string_view option, std::string_view value) {
  if (option != "-l" && option != "-S") return {};
  std::string upwards;
  while (!value.empty()) {
    const std::string part(value.substr(0, value.find(',')));
    value.remove_prefix(std::min(value.size(), part.size() + 1));
    const std::size_t dash = part.find('-', 1);
    if (dash == std::string::npos || part.find('-', dash + 1) != std::string::npos) return {};
    const int first = std::atoi(part.c_str()), last = std::atoi(part.c_str() + dash + 1);
    if (first <= last) return {};
    upwards += fmt::format("{}{}-{}", upwards.empty() ? "" : ",", last, first);
  }
  return upwards;
}

}  // namespace bab::detail
