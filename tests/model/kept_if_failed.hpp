#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bab::test::model {

/// The scenario, or what a failed run left of it, which stays as it is: its destructors can't do any good.
template <class Scenario>
class KeptIfFailed {
 public:
  template <class... Arguments>
  explicit KeptIfFailed(Arguments&... arguments)
      : scenario_(std::make_unique<Scenario>(arguments...)) {}
  KeptIfFailed(const KeptIfFailed&) = delete;
  KeptIfFailed& operator=(const KeptIfFailed&) = delete;
  ~KeptIfFailed() {
    if (scenario_->ended()) return;
    static std::vector<std::unique_ptr<Scenario>>& kept =
        *new std::vector<std::unique_ptr<Scenario>>;
    kept.push_back(std::move(scenario_));
  }
  void thread(unsigned i) { scenario_->thread(i); }
  std::optional<std::string> check() { return scenario_->check(); }

 private:
  std::unique_ptr<Scenario> scenario_;
};

}  // namespace bab::test::model
