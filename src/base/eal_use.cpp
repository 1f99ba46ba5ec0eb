#include "eal_use.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include <bab/base/error.hpp>
#include <bab/detail/eal_use.hpp>

#include "log_capture.hpp"

namespace bab::detail {
namespace {

/// Never destroyed: objects of static storage duration may be destroyed later than it would be.
struct State {
  std::mutex mutex;
  std::size_t users = 0;
  bool ending = false;  ///< the Eal was destroyed while EAL has users
  bool ended = false;
  std::atomic<bool> started{false};  ///< this library has started EAL
  /// The process that EAL's threads and memory belong to; 0: there was no user yet. Read without
  /// the lock: in a child of fork(), a thread of the parent may hold the lock for ever.
  std::atomic<pid_t> process{0};
  void (*sweep)() noexcept = nullptr;
  void* memory = nullptr;  ///< EAL's first page when the first user came
  std::unique_ptr<LogCapture> log;
};
State& state() {
  alignas(State) static std::byte place[sizeof(State)];
  static State& it = *new (place) State;
  return it;
}

bool is_mapped(void* page) noexcept {
  unsigned char resident;
  return mincore(page, 1, &resident) == 0 || errno != ENOMEM;
}

void* page_of_eal() noexcept {
  void* found = nullptr;
  rte_memseg_list_walk(
      [](const rte_memseg_list* list, void* into) {
        if (list->external != 0) return 0;
        *static_cast<void**>(into) = list->base_va;
        return 1;
      },
      &found);
  return found;
}

/// Whether this process is a child of fork(): it has a copy of EAL's memory, or shares it, but has
/// none of EAL's threads.
bool is_forked(const State& s) noexcept {
  const pid_t process = s.process.load(std::memory_order_relaxed);
  return process != 0 && process != getpid();
}

bool is_there(const State& s) noexcept {
  return !s.ended && (s.memory == nullptr || is_mapped(s.memory));
}

/// The caller holds the lock.
void clean_up(State& s) noexcept {
  s.ended = true;
  s.ending = false;
  rte_eal_cleanup();
  s.log.reset();
}

}  // namespace

void require_no_eal() {
  if (state().started) throw Error(std::string(kHasAnEal));
}

void eal_started() noexcept {
  state().started = true;
  note_eals_process();
}

void note_eals_process() noexcept { state().process = getpid(); }

bool eal_is_a_parents() noexcept { return is_forked(state()); }

void before_eal_ends(void (*sweep)() noexcept) noexcept {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.sweep = sweep;
}

void end_eal(std::unique_ptr<LogCapture> log) noexcept {
  State& s = state();
  if (is_forked(s)) {  // it belongs to the parent and goes on there
    (void)log.release();
    return;
  }
  void (*sweep)() noexcept = nullptr;
  {
    const std::lock_guard lock(s.mutex);
    sweep = s.sweep;
  }
  if (sweep != nullptr) sweep();
  const std::lock_guard lock(s.mutex);
  s.log = std::move(log);
  s.ending = true;
  if (s.users == 0) clean_up(s);
}

void use_eal(std::string_view tried) {
  State& s = state();
  if (is_forked(s))
    throw Error(
        fmt::format("{}: this process is a child of fork(), and EAL belongs to its parent; do it "
                    "in the parent, or exec() a program that starts its own EAL",
                    tried));
  const std::lock_guard lock(s.mutex);
  if (rte_lcore_count() == 0)
    throw Error(fmt::format("{}: EAL isn't initialised yet; make a bab::Eal first", tried));
  if (!is_there(s))
    throw Error(
        fmt::format("{}: EAL was cleaned up, and a process can initialise it only once; do it "
                    "while the bab::Eal exists",
                    tried));
  if (rte_eal_process_type() == RTE_PROC_SECONDARY)
    throw Error(
        fmt::format("{}: this is a secondary process, and bab's pools, rings and ports work only "
                    "in the primary process; do it there, or leave --proc-type out",
                    tried));
  if (s.users == 0) s.memory = page_of_eal();
  s.process = getpid();
  ++s.users;
}

void stop_using_eal() noexcept {
  State& s = state();
  if (is_forked(s)) return;
  const std::lock_guard lock(s.mutex);
  if (--s.users == 0 && s.ending) clean_up(s);
}

bool eal_is_there() noexcept {
  State& s = state();
  if (is_forked(s)) return false;
  const std::lock_guard lock(s.mutex);
  return is_there(s);
}

}  // namespace bab::detail
