#include "../base/eal_threads.hpp"
#include "../base/lcores.hpp"
#include "../base/thread_limit.hpp"
#include "examine.hpp"

namespace bab::doctor {
namespace {

constexpr std::string_view kThreadTopic = "threads";

}  // namespace

void examine_threads(const System& system, const Examination& what, Findings& findings) {
  const detail::ThreadLimit limit = detail::thread_limit(system);
  if (!limit.room) return;
  const std::size_t needed =
      what.threads + detail::eal_threads(what.eal, detail::lcores_of(system, what.eal).size());
  if (*limit.room < needed)
    findings.push_back({Level::kFail, kThreadTopic, limit.text(needed), limit.mend(needed)});
  else
    findings.push_back({Level::kOk, kThreadTopic, limit.text(needed), ""});
}

}  // namespace bab::doctor
