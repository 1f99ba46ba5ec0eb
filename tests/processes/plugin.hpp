#pragma once

struct rte_mbuf;

/// What each plugin exports, from a copy of bab of its own.
extern "C" {
/// Makes a pool, rings, a port, and keeps them. 0: all went well.
int plugin_start(int number);
/// One frame in a buffer of the plugin's pool.
rte_mbuf* plugin_frame();
/// Takes another plugin's frame into a Framer. 0: it was refused as it must be.
int plugin_take(rte_mbuf* frame);
/// Ends what it has. 0: its pool is full again.
int plugin_stop();
}
