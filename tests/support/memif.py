"""Two testbab processes with a net_memif between them."""

import os
import time

from smoke_case import SmokeCase


class MemifCase(SmokeCase):
    def vdev(self, role, bsize=9216):
        return f"net_memif0,role={role},socket={self.path('memif.sock')},socket-abstract=no,bsize={bsize}"

    def start_server(self, *app):
        """The server comes first; it waits for its client."""
        server = self.start(*app, vdevs=[self.vdev("server")])
        self.assertTrue(wait_until(lambda: os.path.exists(self.path("memif.sock")) or server.process.poll() is not None))
        return server


def wait_until(true, seconds=10):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
