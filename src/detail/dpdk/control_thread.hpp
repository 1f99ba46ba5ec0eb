#pragma once

#include <pthread.h>

#include <cstdint>

#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>

namespace bab::detail {

/// Starts a thread that calls Run{}(of), on CPUs that no lcore runs on, if there are any.
/// pthread_join() waits for its end. `name`: at most 15 characters. Returns 0 or an errno value,
/// which may be negative. Up to DPDK 23.07 it uses rte_ctrl_thread_create(), which 23.11 removed;
/// then rte_thread_create_control(), which exists since 23.03 and has its present parameters since
/// 23.11.
template <class Run>
int start_control_thread(pthread_t& thread, const char* name, void* of, Run) {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
  rte_thread_t id{};
  const int e = rte_thread_create_control(
      &id, name,
      [](void* arg) -> std::uint32_t {
        Run{}(arg);
        return 0;
      },
      of);
  thread = static_cast<pthread_t>(id.opaque_id);
  return e;
#else
  return rte_ctrl_thread_create(
      &thread, name, nullptr,
      [](void* arg) -> void* {
        Run{}(arg);
        return nullptr;
      },
      of);
#endif
}

}  // namespace bab::detail
