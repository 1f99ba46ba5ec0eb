#include <bab/detail/diagnosis.hpp>

#include <atomic>

namespace bab::detail {
namespace {

std::atomic<Diagnose> the_diagnose{nullptr};

}  // namespace

void set_diagnose(Diagnose diagnose) noexcept {
  // Relaxed: it points to code, and no data is handed over with it.
  the_diagnose.store(diagnose, std::memory_order_relaxed);
}

std::string diagnosis(std::span<const std::string> eal, std::span<const std::string_view> topics) {
  const Diagnose diagnose = the_diagnose.load(std::memory_order_relaxed);
  return diagnose == nullptr ? std::string() : diagnose(eal, topics);
}

}  // namespace bab::detail
