"""Runs the real testbab and keeps its output."""

import functools
import json
import os
import pwd
import resource
import shlex
import signal
import subprocess
import threading
import time
from typing import NamedTuple

ROOT = os.environ.get("BAB_SOURCE_ROOT") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("TESTBAB") or os.path.join(ROOT, "build", "release", "apps", "testbab", "testbab")
SHARED_DATA = os.environ.get("BAB_SHARED_DATA") or os.path.join(ROOT, "..", "shared", "data")
LONG = bool(os.environ.get("BAB_LONG"))

# EAL arguments that need no root, no hugepages and no NIC. Ports are given with --vdev.
PLAIN_EAL = ("--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256")
TIMEOUT = 60
LARGEST_FILE = 1 << 28  # a capture that never ends must not fill the disk


class Run(NamedTuple):
    command: str
    status: int  # negative: the signal that ended it
    stdout: str
    stderr: str
    seconds: float
    report: dict | None  # the JSON report, if there is one
    said: tuple  # (seconds since the start, stream name, line), in order

    def __str__(self):
        return f"{self.command}\nended with {self.status} after {self.seconds:.1f} s\n{self.stdout}\n{self.stderr}"


@functools.cache
def dpdk():
    """The version, as (22, 11)."""
    said = subprocess.run(["pkg-config", "--modversion", "libdpdk"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in said.split(".")[:2])


def arguments(app, *, eal=PLAIN_EAL, vdevs=()):
    """The command line. `eal` None: no EAL arguments and no `--`; all arguments are the application's."""
    app = list(map(str, app))
    if eal is None:
        return [PROGRAM, *app]
    return [PROGRAM, *eal, *(f"--vdev={vdev}" for vdev in vdevs), "--", *app]


def obstacle_for(user):
    """The reason why the program can't be run as `user` from here, or None."""
    if _is(user):
        return None
    if os.geteuid() != 0:
        return f"only root can run a program as {user}"
    try:
        pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user}"
    if subprocess.run(["test", "-x", PROGRAM], check=False, **as_user(user)).returncode:
        return f"{user} may not run {PROGRAM}"
    return None


def _is(user):
    return pwd.getpwuid(os.geteuid()).pw_name == user


def as_user(user):
    """Arguments with which subprocess runs a program as `user`."""
    if user is None or _is(user):
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Process:
    """A started testbab. Always `finish` it."""

    def __init__(self, command, directory, *, user=None, report=None, largest_file=LARGEST_FILE):
        self.command, self.report = command, report
        self.said, self.changed = [], threading.Condition()
        self.start = time.monotonic()
        # DPDK keeps a directory for each user there, even with --in-memory.
        environment = {**os.environ, "XDG_RUNTIME_DIR": directory}
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, limits[1]))  # inherited
        try:
            self.process = subprocess.Popen(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **as_user(user))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.readers = [threading.Thread(target=self._read, args=(name, stream), daemon=True)
                        for name, stream in (("stdout", self.process.stdout), ("stderr", self.process.stderr))]
        for reader in self.readers:
            reader.start()

    def wait_until_it_says(self, enough, timeout=TIMEOUT):
        """Waits until `enough(said)` is true. False: the process ended, or the time was up."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not enough(self.said):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    return False
                self.changed.wait(0.1)
        return True

    def poll(self):
        """The exit code, or minus the signal that ended it. None while it runs."""
        return self.process.poll()

    def send(self, number):
        self.process.send_signal(number)

    def finish(self, timeout=TIMEOUT):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        for reader in self.readers:
            reader.join()
        seconds = time.monotonic() - self.start
        streams = {name: "".join(line for _, stream, line in self.said if stream == name)
                   for name in ("stdout", "stderr")}
        run = Run(shlex.join(self.command), status, streams["stdout"], streams["stderr"], seconds,
                  self._read_report(streams["stdout"]), tuple(self.said))
        if status is None:
            raise AssertionError(f"still running after {timeout} s: {run}")
        return run

    def _read(self, name, stream):
        for line in stream:
            with self.changed:
                self.said.append((time.monotonic() - self.start, name, line.decode("utf-8", "replace")))
                self.changed.notify_all()
        stream.close()

    def _read_report(self, stdout):
        if self.report is None:
            return None
        if self.report == "-":
            text = stdout
        else:
            try:
                with open(self.report, encoding="utf-8") as file:
                    text = file.read()
            except FileNotFoundError:
                return None
        try:
            return json.loads(text) if text else None
        except json.JSONDecodeError as error:
            raise AssertionError(f"--json wrote no JSON object alone ({error}): {text}") from error
