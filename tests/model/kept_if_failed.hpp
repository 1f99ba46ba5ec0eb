#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "explorer.hpp"

namespace bab::test::model {

/// Owns a scenario. After a failed run the scenario is never destroyed: its destructors could do no
/// good.
class KeptIfFailed final : public AnyScenario {
 public:
  explicit KeptIfFailed(std::unique_ptr<AnyScenario> scenario) : scenario_(std::move(scenario)) {}
  KeptIfFailed(const KeptIfFailed&) = delete;
  KeptIfFailed& operator=(const KeptIfFailed&) = delete;
  ~KeptIfFailed() override {
    if (passed_) return;
    static auto& kept = *new std::vector<std::unique_ptr<AnyScenario>>;
    kept.push_back(std::move(scenario_));
  }
  void thread(unsigned i) override { scenario_->thread(i); }
  std::optional<std::string> check() override {
    std::optional<std::string> failure = scenario_->check();
    passed_ = !failure;
    return failure;
  }

 private:
  std::unique_ptr<AnyScenario> scenario_;
  bool passed_ = false;
};

/// Puts each scenario that `make` makes into a KeptIfFailed.
inline MakeScenario kept_if_failed(MakeScenario make) {
  return [make = std::move(make)] { return std::make_unique<KeptIfFailed>(make()); };
}

}  // namespace bab::test::model
