#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "machine.hpp"
#include "memory.hpp"

namespace bab::test::model {

/// An Atom policy (bab/base/atom.hpp). Every access is a point at which the Machine may change
/// threads.
struct ExplorerAtom {
  /// The operations of std::atomic, on a T in Self.
  template <class T, class Self>
  class Operations {
   public:
    T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
      Machine::point();
      return at();
    }
    void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept { update(value); }
    T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
      return update(value);
    }
    bool compare_exchange_strong(T& expected, T value,
                                 std::memory_order = std::memory_order_seq_cst,
                                 std::memory_order = std::memory_order_seq_cst) noexcept {
      Machine::point();
      if (at() != expected) {
        expected = at();
        return false;
      }
      at() = value;
      Machine::changed();
      return true;
    }
    bool compare_exchange_weak(T& expected, T value,
                               std::memory_order a = std::memory_order_seq_cst,
                               std::memory_order b = std::memory_order_seq_cst) noexcept {
      return compare_exchange_strong(expected, value, a, b);
    }
    T fetch_add(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old + n); });
    }
    T fetch_sub(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old - n); });
    }
    T fetch_or(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old | n); });
    }
    T fetch_and(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
      return modify([n](T old) { return static_cast<T>(old & n); });
    }

   private:
    T& at() const noexcept { return static_cast<const Self*>(this)->place(); }
    template <class Change>
    T modify(Change change) noexcept {
      Machine::point();
      Machine::changed();
      return std::exchange(at(), change(at()));
    }
    T update(T value) noexcept {
      return modify([value](T) { return value; });
    }
  };

  template <class T>
  class Atomic : public Operations<T, Atomic<T>> {
   public:
    Atomic(T value = T()) noexcept : value_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

   private:
    friend class Operations<T, Atomic<T>>;
    T& place() const noexcept { return value_; }
    mutable T value_;
  };

  template <class T>
  class Ref : public Operations<T, Ref<T>> {
   public:
    explicit Ref(T& value) noexcept : value_(value) {}

   private:
    friend class Operations<T, Ref<T>>;
    T& place() const noexcept { return value_; }
    T& value_;
  };

  /// The interface of SpscRing. Each operation is one step, as it is for users of rte_ring.
  template <class T>
  class Ring {
   public:
    explicit Ring(std::uint32_t capacity, int = -1) : capacity_(capacity) {}

    unsigned push(std::span<T* const> items) noexcept {
      Machine::point();
      const std::size_t n = std::min<std::size_t>(items.size(), capacity_ - items_.size());
      items_.insert(items_.end(), items.begin(), items.begin() + static_cast<std::ptrdiff_t>(n));
      Memory::release(this);
      if (n > 0) Machine::changed();
      return static_cast<unsigned>(n);
    }
    unsigned pop(std::span<T*> out) noexcept {
      Machine::point();
      const std::size_t n = std::min(out.size(), items_.size());
      for (std::size_t i = 0; i < n; ++i, items_.pop_front()) out[i] = items_.front();
      Memory::acquire(this);
      if (n > 0) Machine::changed();
      return static_cast<unsigned>(n);
    }
    [[nodiscard]] unsigned size() const noexcept {
      Machine::point();
      return static_cast<unsigned>(items_.size());
    }
    [[nodiscard]] unsigned capacity() const noexcept { return capacity_; }

   private:
    std::deque<T*> items_;
    unsigned capacity_;
  };
};

struct Exploration {
  std::uint64_t runs = 0;
  bool complete = false;  ///< every order within the bounds was run
  std::optional<std::string> failure;
};

/// How far to explore. A preemption stops a thread that could have gone on, and lets another one
/// run. A few preemptions are enough for most faults. Each further one multiplies the number of
/// runs.
struct Bounds {
  unsigned preemptions = 2;
  /// If memory is modelled (memory.hpp): how many times a load may see an older value or a store
  /// may be late.
  unsigned weak = 0;
  std::uint64_t runs = std::numeric_limits<std::uint64_t>::max();
};

/// What the explorer runs: thread(i) for each thread. When all threads have ended, check() says
/// what is wrong, or nothing.
class AnyScenario {
 public:
  virtual ~AnyScenario() = default;
  virtual void thread(unsigned i) = 0;
  virtual std::optional<std::string> check() = 0;
};
using MakeScenario = std::function<std::unique_ptr<AnyScenario>()>;

/// Runs all orders within the bounds, depth first, each with a new scenario.
Exploration explore(unsigned threads, const MakeScenario& make, const Bounds& bounds);
/// Runs `runs` random orders from a printed seed, with any number of preemptions.
Exploration explore_at_random(unsigned threads, const MakeScenario& make, std::uint64_t runs,
                              std::uint64_t seed, unsigned weak = 0);

/// Makes scenarios of a class that has these two functions, a new one for each run.
template <class Scenario, class... Arguments>
MakeScenario scenario(Arguments&... arguments) {
  class Made final : public AnyScenario {
   public:
    explicit Made(Arguments&... args) : scenario_{args...} {}
    void thread(unsigned i) override { scenario_.thread(i); }
    std::optional<std::string> check() override { return scenario_.check(); }

   private:
    Scenario scenario_;
  };
  return [&arguments...] { return std::make_unique<Made>(arguments...); };
}

}  // namespace bab::test::model
