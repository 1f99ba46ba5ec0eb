"""Stops one thread of a child process, as a debugger does, while the other threads go on."""

import ctypes
import os
import time

_SEIZE, _INTERRUPT, _CONTINUE, _DETACH, _WALL = 0x4206, 0x4207, 7, 17, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")


def find(pid, names, timeout=10):
    """The id of a thread with one of these names, as soon as there is one."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as file:
                    if file.read().strip() in names:
                        return int(thread)
            except FileNotFoundError:
                pass
        time.sleep(0.005)
    raise AssertionError(f"process {pid} has no thread {names}")


def mappings(pid):
    """(first address, end, file) of each part of the process's memory."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        for line in file:
            words = line.split(maxsplit=5)
            low, high = (int(word, 16) for word in words[0].split("-"))
            yield low, high, words[5].strip() if len(words) > 5 else ""


class StalledThread:
    """The thread stands still within the context. PermissionError if this machine forbids that.

    `in_program`: it stands in code of the program itself, not of a shared library."""

    def __init__(self, pid, names, in_program=False):
        self.pid, self.thread, self.in_program = pid, find(pid, names), in_program

    def __enter__(self):
        _ptrace(_SEIZE, self.thread)
        deadline = time.monotonic() + 20
        while True:
            _ptrace(_INTERRUPT, self.thread)
            os.waitpid(self.thread, _WALL)
            if not self.in_program or self._is_in_program():
                return self
            _ptrace(_CONTINUE, self.thread)
            if time.monotonic() > deadline:
                _ptrace(_INTERRUPT, self.thread)
                os.waitpid(self.thread, _WALL)
                _ptrace(_DETACH, self.thread)
                raise AssertionError(f"thread {self.thread} is never seen in its program")
            time.sleep(0.001)

    def _is_in_program(self):
        with open(f"/proc/{self.pid}/task/{self.thread}/syscall", encoding="utf-8") as file:
            words = file.read().split()  # -1 SP PC: in no system call
        program = os.readlink(f"/proc/{self.pid}/exe")
        return words[0] == "-1" and any(
            low <= int(words[2], 16) < high for low, high, path in mappings(self.pid) if path == program)

    def __exit__(self, *_):
        _ptrace(_DETACH, self.thread)
