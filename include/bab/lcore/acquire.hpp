#pragma once

#include <bab/detail/build.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <rte_mbuf.h>

#include <bab/lcore/wait.hpp>
#include <bab/memory/buffer_pool.hpp>

namespace bab {

/// `co_await pool.acquire(span)`: waits for its turn, then collects as many buffers as the span
/// holds, while later waiters wait. Therefore two waits for many buffers can't block each other
/// with half of theirs each. The span must outlive the wait.
class AcquireBulk : public Wait {
 public:
  AcquireBulk(BufferPool& pool, std::span<rte_mbuf*> out) noexcept : pool_(pool), out_(out) {}
  ~AcquireBulk() override { retire(); }

  /// kDone: the whole span holds buffers, which are the caller's. kCancelled, kClosed (more buffers
  /// than the pool has) or kRefused: it holds none.
  Outcome await_resume() const noexcept {
    if (detail::kTsanMixed && outcome() == Outcome::kDone)
      for (const rte_mbuf* m : out_) detail::tsan_comes(m);
    return outcome();
  }

 protected:
  bool poll() noexcept override;
  void withdraw() noexcept override;

 private:
  BufferPool& pool_;
  std::span<rte_mbuf*> out_;
  std::size_t got_ = 0;  // buffers in out_ so far, while it waits
  std::optional<std::uint64_t> ticket_;
};

/// `co_await pool.acquire()`: one buffer, or null if the wait was cancelled.
class Acquire final : public AcquireBulk {
 public:
  explicit Acquire(BufferPool& pool) noexcept : AcquireBulk(pool, std::span(&buffer_, 1)) {}
  ~Acquire() override {
    retire();
    give_back();
  }

  [[nodiscard]] rte_mbuf* await_resume() const noexcept { return buffer(); }
  /// After AnyOf: the buffer, which is then the caller's, or null. If nobody calls this, the buffer
  /// stays here for the next await; the destructor gives it back to the pool.
  [[nodiscard]] rte_mbuf* buffer() const noexcept {
    if (waiting() || outcome() != Outcome::kDone) return nullptr;
    is_callers_ = true;
    detail::tsan_comes(buffer_);
    return buffer_;
  }

 private:
  bool poll() noexcept override {
    if (!waiting()) {
      if (!is_callers_ && buffer_ != nullptr) return true;
      is_callers_ = false;
      buffer_ = nullptr;
    }
    return AcquireBulk::poll();
  }
  void withdraw() noexcept override {
    AcquireBulk::withdraw();
    give_back();
  }
  void give_back() noexcept {
    if (!is_callers_ && buffer_ != nullptr) BufferPool::release(std::exchange(buffer_, nullptr));
  }

  rte_mbuf* buffer_ = nullptr;
  mutable bool is_callers_ = false;
};

inline Acquire BufferPool::acquire() noexcept { return Acquire(*this); }
inline AcquireBulk BufferPool::acquire(std::span<rte_mbuf*> out) noexcept {
  return AcquireBulk(*this, out);
}

}  // namespace bab
