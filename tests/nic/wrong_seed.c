/* Preloaded into testbab: what devices are handed isn't what the driver's tx_prepare made of it.
 *
 * SEED=ours: tx_prepare does nothing, so that the device goes on from the checksum seed that the frame has.
 * SEED=wrong: the seed is wrong. Whoever verifies checksums on the wire has to notice that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

static uint16_t leave(void* queue, struct rte_mbuf** frames, uint16_t n) {
  (void)queue, (void)frames;
  return n;
}

static uint16_t spoil(void* queue, struct rte_mbuf** frames, uint16_t n) {
  (void)queue;
  for (uint16_t i = 0; i < n; ++i) {
    struct rte_mbuf* m = frames[i];
    if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_UDP_CKSUM) continue;
    uint8_t* seed = rte_pktmbuf_mtod_offset(m, uint8_t*, m->l2_len + m->l3_len + 6);
    seed[1] ^= 0x55;
  }
  return n;
}

int rte_eth_dev_start(uint16_t port) {
  int (*start)(uint16_t) = (int (*)(uint16_t))dlsym(RTLD_NEXT, "rte_eth_dev_start");
  const int result = start(port);
  const char* seed = getenv("SEED");
  if (result == 0 && seed != NULL)
    rte_eth_fp_ops[port].tx_pkt_prepare = strcmp(seed, "wrong") == 0 ? spoil : leave;
  return result;
}
