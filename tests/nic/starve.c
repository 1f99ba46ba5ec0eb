/* Preloaded into testbab: its receiver gets nothing, though frames come.
 *
 * HOLD=N: N buffers of pool rx_0 (or all, if there are fewer) are taken away, from the wait for the link to the stop.
 * TAKE=nothing: every RX burst is empty, as if the lcore didn't poll.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

enum { MOST = 65536 };
static struct rte_mempool* pool;
static void* held[MOST];
static unsigned count;
static int started; /* with that pool: a port is started with others before, to try them */

static void* next(const char* name) { return dlsym(RTLD_NEXT, name); }

static void hold(unsigned most) {
  while (count < most && count < MOST && rte_mempool_generic_get(pool, &held[count], 1, NULL) == 0) ++count;
}

static uint16_t bring_nothing(void* queue, struct rte_mbuf** frames, uint16_t n) {
  (void)queue, (void)frames, (void)n;
  return 0;
}

int rte_eth_dev_start(uint16_t port) {
  int (*start)(uint16_t) = (int (*)(uint16_t))next("rte_eth_dev_start");
  const int result = start(port);
  pool = rte_mempool_lookup("rx_0");
  started = result == 0 && pool != NULL;
  return result;
}

/* After the port has looked how many buffers its driver left. */
int rte_eth_link_get_nowait(uint16_t port, struct rte_eth_link* link) {
  int (*get)(uint16_t, struct rte_eth_link*) =
      (int (*)(uint16_t, struct rte_eth_link*))next("rte_eth_link_get_nowait");
  const char* most = getenv("HOLD");
  if (started && most != NULL && count == 0) hold((unsigned)atoi(most));
  if (started && getenv("TAKE") != NULL) rte_eth_fp_ops[port].rx_pkt_burst = bring_nothing;
  return get(port, link);
}

int rte_eth_dev_stop(uint16_t port) {
  int (*stop)(uint16_t) = (int (*)(uint16_t))next("rte_eth_dev_stop");
  started = 0;
  for (; count > 0; --count) rte_mempool_generic_put(pool, &held[count - 1], 1, NULL);
  return stop(port);
}
