#include <bab/lcore/registration.hpp>

#include <string>

#include <rte_errno.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/memory/buffer_pool.hpp>

namespace bab {

LcoreRegistration::LcoreRegistration() {
  if (rte_lcore_id() != LCORE_ID_ANY)
    throw Error("registering a thread: it is lcore " + std::to_string(rte_lcore_id()) + " already");
  if (rte_thread_register() != 0)
    throw Error::from_code("registering a thread as an lcore", rte_errno,
                           "end another registered thread first: DPDK has " +
                               std::to_string(RTE_MAX_LCORE) + " lcore ids");
  lcore_ = rte_lcore_id();
}

LcoreRegistration::~LcoreRegistration() {
  BufferPool::empty_caches();
  rte_thread_unregister();
}

}  // namespace bab
