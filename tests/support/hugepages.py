"""Hugepages and a hugetlbfs for one test, given back afterwards."""

import contextlib
import fcntl
import os
import subprocess

NUMBER = "/proc/sys/vm/nr_hugepages"
PAGES = 64  # of 2 MiB


def obstacle():
    """The reason why there can be no hugepages here, or None."""
    if os.geteuid() != 0:
        return "only root can reserve hugepages"
    try:
        with reserved():
            return None
    except OSError as error:
        return f"hugepages can't be reserved: {error}"


@contextlib.contextmanager
def untouched():
    """Keeps other tests from reserving hugepages meanwhile."""
    with open(NUMBER, encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def reserved(pages=PAGES):
    """Makes sure that so many hugepages are free."""
    with untouched():
        before = _read(NUMBER)
        try:
            _write(before + pages)
            if free() < pages:
                raise OSError(f"{free()} of {pages} hugepages came free")
            yield
        finally:
            _write(before)


@contextlib.contextmanager
def mounted(path):
    """A new hugetlbfs, at a new directory `path`."""
    os.mkdir(path)
    subprocess.run(["mount", "-t", "hugetlbfs", "-o", "mode=0700", "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)
        os.rmdir(path)


def free():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("HugePages_Free:"))


def mounts():
    """The mounted hugetlbfs of this machine."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return [line.split()[1] for line in file if line.split()[2] == "hugetlbfs"]


def _read(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


def _write(pages):
    with open(NUMBER, "w", encoding="ascii") as file:
        file.write(str(pages))
