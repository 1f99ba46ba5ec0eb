"""Boots a guest with NICs, runs commands in it, ends it. One that hangs is killed by its pid; the console is kept."""

import base64
import gzip
import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from typing import NamedTuple

import nics
from qmp import Monitor

QEMU = "qemu-system-x86_64"
BOOT_SECONDS = 60
BOOTS = 3
HUGEPAGES = 400  # of 2 MB
CONSOLE_TAIL = 30  # lines
SEPARATOR = "\x1e"  # between texts that one command prints
NEXT = r"printf '\036'"
# Skipped at boot: clearing 800 MB of hugepages (EAL clears those that it takes), calibration, self-tests.
KERNEL = ("console=ttyS0 quiet panic=-1 init_on_alloc=0 mitigations=off tsc=reliable no_timer_check "
          "cryptomgr.notests audit=0 rcupdate.rcu_expedited=1")


class Run(NamedTuple):
    command: str
    status: int
    stdout: str
    stderr: str
    seconds: float
    report: dict | None = None

    def __str__(self):
        return f"{self.command}\nended with {self.status} after {self.seconds:.1f} s\n{self.stdout}\n{self.stderr}"


class GuestFailed(Exception):
    pass


class Guest:
    """Use with `with`. `plugs` are the wires of its NICs, in the order of $A and $B.

    `images` is a kernel file and the parts of its initramfs. With `driver` None the NICs are left unbound.
    """

    def __init__(self, name, images, nic, plugs, *, driver=nics.UIO, memory=1400, cpus=2, logs=None,
                 device_options=(), kernel_arguments="", machine="", boot_seconds=BOOT_SECONDS):
        self.name, self.nic, self.plugs, self.driver, self.logs = name, nic, plugs, driver, logs
        self.directory = tempfile.mkdtemp(prefix="bab-nic-")
        self.console = os.path.join(self.directory, "console")
        self.monitor, self.agent, self.jobs = None, None, 0
        self.process, self.dead = None, None
        try:
            for boot in range(BOOTS):
                self._start(images, memory, cpus, device_options, kernel_arguments, machine)
                why = self._why_not_up(boot_seconds)
                if not why:
                    break
                print(f"# {name}: boot {boot + 1} of {BOOTS}: {why}", flush=True)
                if boot + 1 == BOOTS:
                    raise GuestFailed(f"{name}: {why}")
                self._end()
            self.addresses = self._find_nics()
            if driver:
                self.bind(driver)
        except BaseException as error:
            self.close(failed=True)
            raise error

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(failed=kind is not None)

    # Commands

    def run(self, command, timeout=30):
        """A shell command line; $A and $B are the NICs' addresses."""
        if self.dead:
            raise GuestFailed(f"{self.name} gave no answer before: {self.dead}")
        started = time.monotonic()
        text = base64.b64encode((self._exports() + command).encode()).decode()
        try:
            self.agent.sendall(f"{timeout} {text}\n".encode())
            # The guest has a limit of its own; some more time lets it say that the limit was reached.
            status, out, err = (self._line(started + timeout + 20) for _ in range(3))
        except OSError as error:
            self.dead = f"{command!r} ({error!r})"  # a late answer must not be taken for the next command's
            raise GuestFailed(f"no answer to {command!r} ({error!r}): {self._tail()}") from error
        return Run(command, int(status), *(base64.b64decode(part).decode(errors="replace") for part in (out, err)),
                   time.monotonic() - started)

    def must(self, command, timeout=30):
        """The standard output of a command that must succeed."""
        run = self.run(command, timeout)
        if run.status:
            raise GuestFailed(f"in {self.name}: {run}")
        return run.stdout

    def start(self, command):
        """Starts `command` and doesn't wait for it. It is one program with its arguments (it becomes the process)."""
        self.jobs += 1
        return Job(self, f"/run/job{self.jobs}", command)

    def read(self, path):
        """A file's bytes."""
        return base64.b64decode(self.must(f"base64 {shlex.quote(path)}", 60))

    def write(self, path, data, mode=0o644):
        """Writes a file, in pieces that a serial line can take."""
        quoted, packed = shlex.quote(path), gzip.compress(data)
        self.must(f"mkdir -p $(dirname {quoted}); : >{quoted}.gz")
        for at in range(0, len(packed), 2000):
            piece = base64.b64encode(packed[at:at + 2000]).decode()
            self.must(f"echo {piece} | base64 -d >>{quoted}.gz")
        self.must(f"gunzip -c {quoted}.gz >{quoted}; rm {quoted}.gz; chmod {mode:o} {quoted}")

    # testbab

    def testbab_command(self, *app, eal=None, report=None):
        eal = ("-l", "0-1", "-a", "$A", "-a", "$B") if eal is None else eal
        app = (*app, f"--json={report}") if report else app
        return " ".join(("testbab", *map(str, eal), "--", *(shlex.quote(str(word)) for word in app)))

    def testbab(self, *app, eal=None, timeout=60):
        """A run to its end, with its report."""
        command = self.testbab_command(*app, eal=eal, report="/run/report.json")
        run = self.run(f"rm -f /run/report.json; {command}; status=$?; {NEXT}; cat /run/report.json 2>/dev/null;"
                       "exit $status", timeout)
        out, _, report = run.stdout.partition(SEPARATOR)
        return run._replace(command=command, stdout=out, report=json.loads(report) if report else None)

    def start_testbab(self, *app, eal=None):
        report = f"/run/report{self.jobs + 1}.json"
        job = self.start(self.testbab_command(*app, eal=eal, report=report))
        job.report = report
        return job

    # NICs

    def bind(self, driver, numbers=None):
        """Gives NICs to a driver of the kernel."""
        self.must(f"modprobe {driver}" + ("; modprobe vfio_iommu_type1" if driver == nics.VFIO else ""))
        for number in range(len(self.addresses)) if numbers is None else numbers:
            address = self.addresses[number]
            self.must(f"cd /sys/bus/pci/devices/{address}; [ ! -e driver ] || echo {address} >driver/unbind;"
                      f"echo {driver} >driver_override; echo {address} >/sys/bus/pci/drivers_probe; [ -e driver ]")

    def _find_nics(self):
        """Network controllers, by address: in the order in which they were plugged in."""
        found = self.must("grep -l '^0x020000' /sys/bus/pci/devices/*/class || true")
        return [line.split("/")[-2] for line in sorted(found.split())]

    def _exports(self):
        if not getattr(self, "addresses", None):
            return ""
        names = " ".join(f"{name}={address}" for name, address in zip("ABCD", self.addresses))
        return f"export {names}\n"

    # The machine

    def _start(self, images, memory, cpus, device_options, kernel_arguments, machine):
        vfio = self.driver == nics.VFIO
        kernel, *parts = images
        initramfs = os.path.join(self.directory, "initramfs")
        with open(initramfs, "wb") as whole:
            for part in parts:
                with open(part, "rb") as file:
                    shutil.copyfileobj(file, whole)
        machine = "q35" + (",kernel_irqchip=off" if vfio else "") + machine
        command = [
            "setpriv", "--pdeathsig", "KILL", QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", machine, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(cpus), "-m", str(memory),
            "-kernel", kernel, "-initrd", initramfs,
            "-append", f"{KERNEL} hugepages={HUGEPAGES} {'intel_iommu=on ' if vfio else ''}{kernel_arguments}",
            "-serial", f"file:{self.console}",
            "-chardev", f"socket,id=agent,path={self._socket('agent')},server=on,wait=off",
            "-device", "isa-serial,chardev=agent,index=1",
            "-qmp", f"unix:{self._socket('qmp')},server=on,wait=off"]
        if vfio:
            command += ["-device", "intel-iommu,caching-mode=on,intremap=on"]
        for number, plug in enumerate(self.plugs):
            command += plug.arguments(f"net{number}")
            command += nics.arguments(self.nic, number, vfio=vfio, device_options=device_options)
        with open(os.path.join(self.directory, "qemu"), "w", encoding="utf-8") as log:
            log.write(shlex.join(command) + "\n")
            log.flush()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _socket(self, name):
        return os.path.join(self.directory, f"{name}.sock")

    def _await_agent(self, seconds):
        deadline = time.monotonic() + seconds
        self.agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connect(deadline)
        self.answers = b""
        try:
            while self._line(deadline) != b"ready":
                pass
        except OSError as error:
            raise GuestFailed(f"{self.name} didn't boot in {seconds} s ({error!r}): {self._tail()}") from error
        self.monitor = Monitor(self._socket("qmp"))
        self._prefer_the_wire()

    def _prefer_the_wire(self):
        """QEMU moves frames in its main thread. If lcores are faster, its queue of 10,000 frames fills up, and it loses
        frames without counting them. The threads of the guest's CPUs therefore have a lower priority."""
        for thread in self.monitor.cpu_threads():
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + 5)

    def _why_not_up(self, seconds):
        """On a busy machine, Linux under TCG sometimes comes up with a clock that stands: no sleep ends. Where that
        happens early, the boot doesn't end either."""
        try:
            self._await_agent(seconds)
            return "" if self.run("sleep 0.05", 5).status == 0 else "it has no timers"
        except GuestFailed as error:
            return str(error)

    def _connect(self, deadline):
        while True:
            try:
                return self.agent.connect(self._socket("agent"))
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise GuestFailed(f"QEMU didn't start ({error}): {self._said()}") from error
                time.sleep(0.02)

    def _line(self, deadline):
        """The agent's next line. TimeoutError or ConnectionError if none comes."""
        while b"\n" not in self.answers:
            self.agent.settimeout(max(0.01, deadline - time.monotonic()))
            piece = self.agent.recv(1 << 16)
            if not piece:
                raise ConnectionError("the guest is gone")
            self.answers += piece
        line, _, self.answers = self.answers.partition(b"\n")
        return line.strip()

    def _said(self):
        with open(os.path.join(self.directory, "qemu"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def _tail(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as file:
                return "the end of its console:\n" + "".join(file.readlines()[-CONSOLE_TAIL:])
        except OSError:
            return f"it has no console yet; QEMU: {self._said()}"

    def _end(self):
        if self.monitor:
            self.monitor.close()
        if self.agent:
            self.agent.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self.monitor, self.agent, self.process, self.dead = None, None, None, None

    def close(self, failed=False):
        self._end()
        if failed and self.logs:
            self._keep()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _keep(self):
        kept = os.path.join(self.logs, self.name)
        os.makedirs(kept, exist_ok=True)
        for name in "console", "qemu":
            if os.path.exists(path := os.path.join(self.directory, name)):
                shutil.copy(path, kept)
        print(f"# the console of {self.name} is kept in {kept}", flush=True)


class Job:
    """A program that runs in the guest while the host goes on."""

    def __init__(self, guest, path, command):
        self.guest, self.path, self.command, self.report = guest, path, command, "/dev/null"
        self.started = time.monotonic()
        script = base64.b64encode(f"{guest._exports()}echo $$ >{path}.pid\nexec {command}\n".encode()).decode()
        guest.must(f"echo {script} | base64 -d >{path}.sh; "
                   f"(setsid sh {path}.sh </dev/null >{path}.out 2>{path}.err; echo $? >{path}.status) "
                   f">/dev/null 2>&1 </dev/null & while [ ! -s {path}.pid ]; do sleep 0.02; done")

    def said(self):
        """(standard output, standard error) so far."""
        return tuple(self.guest.run(f"cat {self.path}.{stream}").stdout for stream in ("out", "err"))

    def wait_until_it_says(self, text, timeout=30):
        """Waits for a line of output that matches `text` (grep's syntax). False: the program ended, or a timeout."""
        return self.guest.run(
            f"n=0; until grep -q -- {shlex.quote(text)} {self.path}.out {self.path}.err; do"
            f" [ ! -e {self.path}.status ] && [ $n -lt {int(timeout * 10)} ] || exit 1; n=$((n+1)); sleep 0.1; done",
            timeout * 3 + 10).status == 0

    def kill(self, signal="TERM"):
        self.guest.must(f"kill -{signal} $(cat {self.path}.pid)")

    def finish(self, timeout=60):
        status = f"{self.path}.status"
        ended = self.guest.run(
            f"while [ ! -s {status} ]; do sleep 0.05; done; cat {status}; {NEXT}; cat {self.path}.out; {NEXT};"
            f"cat {self.path}.err; {NEXT}; cat {self.report} 2>/dev/null; true", timeout)
        seconds = time.monotonic() - self.started
        if ended.status:
            raise GuestFailed(f"still running after {seconds:.0f} s: {self.command}\n{''.join(self.said())}")
        code, out, err, report = ended.stdout.split(SEPARATOR)
        return Run(self.command, int(code), out, err, seconds, json.loads(report) if report else None)
