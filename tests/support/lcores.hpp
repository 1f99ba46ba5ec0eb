#pragma once

#include <type_traits>

#include <gtest/gtest.h>
#include <rte_launch.h>

#include <bab/detail/sanitizers.hpp>

namespace bab::test {

/// Starts `work()` on a worker lcore. `work` must live until wait_for(lcore, work) has returned.
template <class Work>
void start_on(unsigned lcore, Work& work) {
  detail::tsan_release(&work);  // ThreadSanitizer can't see how EAL hands it over
  const int started = rte_eal_remote_launch(
      [](void* p) {
        detail::tsan_acquire(p);
        (*static_cast<Work*>(p))();
        detail::tsan_release(p);
        return 0;
      },
      &work, lcore);
  ASSERT_EQ(started, 0) << "lcore " << lcore << " could not be started";
}

template <class Work>
void wait_for(unsigned lcore, Work& work) {
  rte_eal_wait_lcore(lcore);
  detail::tsan_acquire(&work);
}

/// Runs `work()` on a worker lcore and waits for its end.
template <class Work>
void on_lcore(unsigned lcore, Work&& work) {
  start_on(lcore, work);
  wait_for(lcore, work);
}

}  // namespace bab::test
