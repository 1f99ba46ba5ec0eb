"""Stops one thread of a process that we started, as a debugger does, while the others go on."""

import ctypes
import os
import time

_SEIZE, _INTERRUPT, _DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")


def find(pid, name, timeout=10):
    """The id of the thread of that name, as soon as there is one."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as file:
                    if file.read().strip() == name:
                        return int(thread)
            except FileNotFoundError:
                pass
        time.sleep(0.005)
    raise AssertionError(f"process {pid} has no thread {name}")


class StalledThread:
    """Within it the thread does nothing. PermissionError where nobody may do that to it."""

    def __init__(self, pid, name):
        self.thread = find(pid, name)

    def __enter__(self):
        _ptrace(_SEIZE, self.thread)
        _ptrace(_INTERRUPT, self.thread)
        os.waitpid(self.thread, _WALL)
        return self

    def __exit__(self, *_):
        _ptrace(_DETACH, self.thread)
