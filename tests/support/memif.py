"""Two testbab processes with a net_memif between them.

In three cases DPDK 22.11's driver ends the process, and tests must not meet them by chance:
- A client connects to a server and goes at once. Tests therefore don't connect to see whether a server is there.
- A port is polled while the peer goes: the driver unmaps the rings that are read. Both sides therefore keep their ports
  after their runs, and don't poll them.
- A server ends before its client: EAL still looks at its listener. The client therefore goes first (`run_pair`).
"""

import os
import time

from smoke_case import SmokeCase

ACCEPTS = 0x10000  # __SO_ACCEPTCON, in the flags of /proc/net/unix


class MemifCase(SmokeCase):
    def vdev(self, role, bsize=9216):
        return f"net_memif0,role={role},socket={self.path('memif.sock')},socket-abstract=no,bsize={bsize}"

    def start_server(self, *app):
        """The server comes first; it waits for its client."""
        server = self.start(*app, vdevs=[self.vdev("server")])
        self.wait_for_server(server)
        return server

    def wait_for_server(self, server):
        path = self.path("memif.sock")
        self.assertTrue(wait_until(lambda: is_listened_at(path) or server.poll() is not None))

    def run_pair(self, server, client, *app, stop_server=False):
        """{"server": its run, "client": its run} of two with these arguments, when both runs have ended. The server's
        ends by itself, or (`stop_server`) when the client's has ended."""
        server = Staying(self, *server, *app, vdevs=[self.vdev("server")], ends=not stop_server)
        self.wait_for_server(server.process)
        client = Staying(self, *client, *app, vdevs=[self.vdev("client")])
        client.wait_for_end_of_run()
        if stop_server:
            server.end_run("stop")
        server.wait_for_end_of_run()
        return {"client": client.leave(), "server": server.leave()}


class Staying:
    """A testbab whose run ends as usual. It then stays, with its port not polled, until it is told to leave."""

    def __init__(self, case, *app, ends=True, **options):
        """`ends`: the run ends by itself, not when it is told to."""
        self.case = case
        script = case.path(f"script{case.reports}")
        os.mkfifo(script)
        # For reading, too, so that opening needn't wait for a reader.
        self.script = os.fdopen(os.open(script, os.O_RDWR), "w", encoding="utf-8")
        case.addCleanup(self.script.close)
        self.process = case.start(f"--cmdline-file={script}", *app, **options)
        self.say("start")
        if ends:
            self.end_run("wait")

    def say(self, command):
        self.script.write(command + "\n")
        self.script.flush()

    def end_run(self, command):
        self.say(command)
        self.say("show config fwd")

    def wait_for_end_of_run(self):
        self.case.assertTrue(
            self.process.wait_until_it_says(lambda said: any("packet forwarding" in line for _, _, line in said)),
            (self.process.poll(), self.process.said))

    def leave(self):
        self.script.close()
        return self.process.finish()


def is_listened_at(path):
    """Whether a server accepts connections there."""
    with open("/proc/net/unix", encoding="utf-8") as file:
        sockets = [line.split() for line in file.readlines()[1:]]
    return any(len(words) > 7 and words[7] == path and int(words[3], 16) & ACCEPTS for words in sockets)


def wait_until(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
