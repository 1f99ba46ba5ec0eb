"""Cables: unix datagram sockets, one datagram a frame. QEMU has a NIC's end; a second NIC or the host has the other.

A cable remembers. Frames that nobody took (11 in a socket, up to 10,000 in QEMU's queue behind it) go to the next
receiver, even in another process: a loop after a txonly of 4,000 frames saw 973 frames out of order and 37,770
duplicates on e1000e. Where nobody reads a cable, a test therefore sends few frames into it, or drains it afterwards.
"""

import contextlib
import multiprocessing
import os
import socket
import time
from typing import NamedTuple

ROOM = 1 << 20  # bytes of a socket's queue


class Plug(NamedTuple):
    """Where a NIC's netdev receives, and where it sends to."""
    local: str
    remote: str

    def arguments(self, name):
        return ["-netdev", f"dgram,id={name},local.type=unix,local.path={self.local},"
                           f"remote.type=unix,remote.path={self.remote}"]


def crossed(directory, name="wire"):
    """Plugs of two NICs that are wired to each other, in one guest or in two."""
    one, other = os.path.join(directory, f"{name}0"), os.path.join(directory, f"{name}1")
    return Plug(one, other), Plug(other, one)


class HostEnd:
    """The host's end of a NIC's cable: sends frames to the NIC and keeps those that come from it."""

    def __init__(self, directory, name):
        self.plug = Plug(os.path.join(directory, f"{name}.nic"), os.path.join(directory, f"{name}.host"))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for option in socket.SO_RCVBUF, socket.SO_SNDBUF:
            self.socket.setsockopt(socket.SOL_SOCKET, option, ROOM)
        self.socket.bind(self.plug.remote)

    def send(self, frames, timeout=30):
        """Waits if the NIC is slower."""
        self.socket.settimeout(timeout)
        for frame in frames:
            self.socket.sendto(frame, self.plug.local)

    def receive(self, enough=lambda frames: False, *, quiet=0.5, timeout=30):
        """Frames from now on, until `enough(frames)`, `quiet` seconds without one after the first, or the timeout."""
        frames, deadline = [], time.monotonic() + timeout
        while not enough(frames) and (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(min(quiet, left) if frames else left)
            try:
                frames.append(self.socket.recv(1 << 16))
            except TimeoutError:
                break
        return frames

    @contextlib.contextmanager
    def flood(self, frame):
        """A separate process sends this frame again and again, as fast as the NIC takes it."""
        sender = multiprocessing.get_context("fork").Process(target=self._send_for_ever, args=(frame,), daemon=True)
        sender.start()
        try:
            yield
            assert sender.is_alive(), "the flood ended by itself"
        finally:
            sender.kill()
            sender.join()

    def _send_for_ever(self, frame):
        self.socket.setblocking(True)
        while True:
            self.socket.sendto(frame, self.plug.local)

    def drain(self):
        """Forgets all frames that came so far."""
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(1 << 16)
        except BlockingIOError:
            pass

    def close(self):
        self.socket.close()
