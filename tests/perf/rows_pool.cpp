#include <rte_mempool.h>

#include "one_lcore.hpp"
#include "opaque.hpp"
#include "pools.hpp"

namespace bench {
namespace {

/// One buffer at a time. The floor is either get+put of a mempool, which know nothing of mbufs, or
/// DPDK's alloc+free of an mbuf, which does the same job.
template <bool kMbufs>
class AcquireRelease {
 public:
  void subject(benchmark::State& state) {
    for (auto _ : state) {
      rte_mbuf* m = pool_.try_acquire();
      use(m);
      bab::BufferPool::release(m);
    }
  }

  /// A pool with testpmd's caches.
  void floor(benchmark::State& state) {
    rte_mempool* mp = plain_.mempool();
    for (auto _ : state) {
      if constexpr (kMbufs) {
        rte_mbuf* m = rte_pktmbuf_alloc(mp);
        use(m);
        rte_pktmbuf_free(m);
      } else {
        void* object;
        (void)rte_mempool_get(mp, &object);
        use(object);
        rte_mempool_put(mp, object);
      }
    }
  }

 private:
  bab::BufferPool pool_{pool_options(1024, 2176)};
  PlainPool plain_{1024, 2176};
};

}  // namespace

RowSpecs pool_rows() {
  return {{"pool_acquire_release", "rte_mempool get+put of 1, with cache", "ns/buffer", 0.5,
           Lcores::kOne, one_lcore<AcquireRelease<false>>},
          {"pool_acquire_release_mbuf", "rte_pktmbuf alloc+free of 1, with cache", "ns/buffer", 0,
           Lcores::kOne, one_lcore<AcquireRelease<true>>}};
}

}  // namespace bench
