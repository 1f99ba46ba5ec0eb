#pragma once

struct rte_mbuf;

/// The functions that each plugin exports. Each plugin has its own copy of bab.
extern "C" {
/// Makes a pool, rings and a port, and keeps them. Returns 0 if all went well.
int plugin_start(int number);
/// Returns one frame, in a buffer of the plugin's pool.
rte_mbuf* plugin_frame();
/// Gives another plugin's frame to a Framer. Returns 0 if the Framer refused it, as it must.
int plugin_take(rte_mbuf* frame);
/// Destroys all that the plugin has. Returns 0 if its pool is full again.
int plugin_stop();
}
