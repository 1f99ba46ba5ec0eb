#pragma once

#include <bab/detail/build.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <bab/lcore/coroutine_pool.hpp>

namespace bab {

template <class T>
class Task;

namespace detail {

/// Makes a coroutine's Task in the place where its caller wants it. The promise itself doesn't
/// return the Task: compilers differ in whether it may return an object that can't be moved (Clang
/// 14 says no).
template <class Promise>
struct TaskStart {
  std::coroutine_handle<Promise> handle;
  template <class T>
  operator Task<T>() const noexcept {
    return Task<T>(handle);
  }
};

/// What the promises of all Tasks share: the lazy start, the continuation, the exception, memory
/// from the pool.
class TaskPromiseBase {
 public:
  static void* operator new(std::size_t bytes) { return CoroutinePool::allocate(bytes); }
  static void operator delete(void* frame) noexcept { CoroutinePool::free(frame); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    bool await_ready() noexcept { return false; }
    /// The awaiting coroutine goes on from here if it had to wait; else resume() below returns to
    /// it.
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return self.promise().continuation_;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }

  void unhandled_exception() noexcept { exception_ = std::current_exception(); }
  void continue_with(std::coroutine_handle<> continuation) noexcept {
    continuation_ = continuation;
  }

 protected:
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
  std::exception_ptr exception_;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                "a Task gives nothing (void), a value that can be moved, or an lvalue reference");

 public:
  TaskStart<TaskPromise> get_return_object() noexcept {
    return {std::coroutine_handle<TaskPromise>::from_promise(*this)};
  }
  /// `= T` is for co_return {…}.
  template <std::convertible_to<T> U = T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T result() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <class T>
class TaskPromise<T&> : public TaskPromiseBase {
 public:
  TaskStart<TaskPromise> get_return_object() noexcept {
    return {std::coroutine_handle<TaskPromise>::from_promise(*this)};
  }
  void return_value(T& value) noexcept { value_ = &value; }
  T& result() {
    rethrow();
    return *value_;
  }

 private:
  T* value_ = nullptr;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  TaskStart<TaskPromise> get_return_object() noexcept {
    return {std::coroutine_handle<TaskPromise>::from_promise(*this)};
  }
  void return_void() noexcept {}
  void result() { rethrow(); }
};

}  // namespace detail

/// A coroutine that starts when it is awaited, on the lcore of the awaiting coroutine, to which it
/// gives its value or its exception. Await it at once, in the expression that makes it, or hand it
/// to Lcore::spawn. It can't be copied, moved or kept, so that what its arguments refer to outlives
/// it. It can't be awaited twice. A variable that holds a Task can't be awaited at all (`co_await
/// std::move(task)` doesn't compile).
///
/// GCC 12.2 (tried) miscompiles a coroutine that is a function, not a lambda, awaits in the
/// condition of an if or a loop, and declares no variable in its outermost block: it never starts,
/// or ends with an illegal instruction. Declare a variable there, or await into one: `const bool
/// more = co_await next();`. It also destroys temporaries twice if they are arguments of an await
/// in one branch of a conditional expression: use an if.
template <class T = void>
class [[nodiscard("a Task does nothing until it is awaited")]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;

  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  /// By value: only the expression that makes a Task can be awaited.
  friend auto operator co_await(Task task) noexcept {
    return Awaiter(std::exchange(task.handle_, nullptr));
  }

 private:
  friend detail::TaskStart<promise_type>;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() { handle_.destroy(); }

    bool await_ready() noexcept { return false; }
    /// Runs it at once. No symmetric transfer: GCC makes that a call unless it optimizes, and then
    /// a loop over Tasks that needn't wait would grow the stack with each of them.
    bool await_suspend(std::coroutine_handle<> awaiting) noexcept {
      handle_.resume();
      if (handle_.done()) return false;
      handle_.promise().continue_with(awaiting);
      return true;
    }
    T await_resume() { return handle_.promise().result(); }

   private:
    std::coroutine_handle<promise_type> handle_;
  };

  std::coroutine_handle<promise_type> handle_;
};

}  // namespace bab
