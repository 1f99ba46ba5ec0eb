"""Control groups like a container's: fewer CPUs, or few threads. Version 1 or 2, as this machine has."""

import contextlib
import os
import uuid

ROOT = "/sys/fs/cgroup"


def _read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _parent(controller):
    """The folder for groups of that controller."""
    first = os.path.join(ROOT, controller)
    if os.path.exists(os.path.join(first, "cgroup.procs")):
        return first
    if controller in _read(os.path.join(ROOT, "cgroup.controllers")).split():
        _write(os.path.join(ROOT, "cgroup.subtree_control"), f"+{controller}")
        return ROOT
    raise OSError(f"no cgroup has the controller {controller}")


@contextlib.contextmanager
def group(controller, **limits):
    """The path of a new group with these limits (`max="3"`, `cpus="0"`). Its processes must have ended when it goes."""
    parent = _parent(controller)
    path = os.path.join(parent, f"bab-{uuid.uuid4().hex[:8]}")
    os.mkdir(path)
    try:
        if controller == "cpuset" and os.path.exists(os.path.join(path, "cpuset.mems")):
            _write(os.path.join(path, "cpuset.mems"), _read(os.path.join(parent, "cpuset.mems")) or
                   _read(os.path.join(parent, "cpuset.mems.effective")))
        for name, value in limits.items():
            _write(os.path.join(path, f"{controller}.{name}"), value)
        yield path
    finally:
        os.rmdir(path)


def inside(path, command):
    """The command that runs `command` in the group."""
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', path, *command]


def obstacle(controller, **limits):
    """The reason why no such group can be made here, or None."""
    try:
        with group(controller, **limits):
            return None
    except OSError as error:
        return f"no cgroup of {controller} can be made: {error}"
