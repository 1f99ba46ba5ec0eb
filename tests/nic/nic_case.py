"""For checks on NICs: a guest with three NICs. Two are wired to each other, the third one to this host."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import images
import moldudp64
import nics
import testbab
import wire
from guest import Guest
from kernel import Unavailable
from smoke_case import SmokeCase

TREE = os.path.join(images.LAB, "tree")
PAIR = ("-l", "0-1", "-a", "$A", "-a", "$B")  # wired to each other
HOST = ("-l", "0-1", "-a", "$C")  # wired to this host


def made_images(with_testpmd=False):
    """The lab's files. SkipTest with the reason if there are none, or if no time is left for another guest."""
    if time.time() > float(os.environ.get("BAB_NIC_UNTIL", "inf")):
        raise unittest.SkipTest("the time for all checks is up (BAB_NIC_SECONDS)")
    obstacle = os.path.join(images.LAB, "unavailable")
    try:
        if os.path.exists(obstacle):
            with open(obstacle, encoding="utf-8") as file:
                raise Unavailable(file.read().strip())
        if not os.path.isdir(TREE):
            raise Unavailable("the lab isn't built: tools/test and tools/check build it")
        return images.make(TREE, with_testpmd)
    except Unavailable as why:
        raise why.skip() from why


class InGuest(unittest.TestCase):
    """Prints how long each case took, and keeps a guest's console if a case failed."""

    failed = False

    @classmethod
    def close_after(cls, guest):
        cls.addClassCleanup(lambda: guest.close(failed=cls.failed))

    def run(self, result=None):
        started = time.monotonic()
        super().run(result)
        said(f"{type(self).__name__}.{self._testMethodName}", started)
        if result.problems:  # of this case, and of its sub-tests
            type(self).failed = True


def said(what, started):
    print(f"# {time.monotonic() - started:6.1f} s {what}", flush=True)


class NicCase(InGuest, SmokeCase):
    """One boot for all the cases of a class."""

    nic = None  # a name of nics.NICS
    driver = nics.UIO
    with_testpmd = False
    long = testbab.LONG

    @classmethod
    def setUpClass(cls):
        made = made_images(cls.with_testpmd)
        started = time.monotonic()
        cls.device = nics.NICS[cls.nic]
        cls.wires = tempfile.mkdtemp(prefix="bab-nic-")
        cls.addClassCleanup(shutil.rmtree, cls.wires)
        cls.host = wire.HostEnd(cls.wires, "c")
        cls.addClassCleanup(cls.host.close)
        # testpmd brings 100 MB of PMDs, which are in memory twice while it runs.
        cls.guest = Guest(cls.__name__, made, cls.device, (*wire.crossed(cls.wires), cls.host.plug), driver=cls.driver,
                          memory=2200 if cls.with_testpmd else 1400, logs=os.path.join(images.LAB, "logs"))
        cls.close_after(cls.guest)
        said(f"{cls.__name__}: boot", started)

    # Running

    def run_on(self, eal, *app, timeout=60):
        return self.guest.testbab(*app, eal=eal, timeout=timeout)

    def pair(self, *app, timeout=60):
        return self.run_on(PAIR, *app, timeout=timeout)

    def script(self, eal, commands, *app, timeout=60):
        """Runs testbab with commands on its input. Gives the run and the answers of commands with `json`."""
        self.guest.write("/run/script", "\n".join((*commands, "quit", "")).encode())
        run = self.guest.run(self.guest.testbab_command("--cmdline-file=/run/script", *app, eal=eal), timeout)
        return run, [json.loads(line) for line in run.stdout.splitlines() if line[:1] in ("{", "[")]

    def prompt(self, eal, *app):
        prompt = Prompt(self.guest, eal, *app)
        self.addCleanup(prompt.kill)
        return prompt

    def preload(self, name):
        """Compiles NAME.c for LD_PRELOAD in the guest. Gives its path there."""
        flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=True)
        library, there = self.path(f"{name}.so"), f"/run/{name}.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-s", "-o", library, os.path.join(HERE, f"{name}.c"),
                        *flags.stdout.split(), "-ldl"], check=True)
        with open(library, "rb") as file:
            self.guest.write(there, file.read())
        return there

    # Judging

    def assert_nothing_lost(self, run, messages=None):
        """Every sent message came, in order, and no frame was dropped."""
        self.assert_good(run)
        bus = run.report["bus"]
        self.assertEqual(bus["messages_in"], bus["messages_out"], run)
        self.assertGreater(bus["messages_in"], 0, run)
        if messages is not None:
            self.assertEqual(bus["messages_in"], messages, run)
        self.assertEqual(self.drops(run.report), {}, run)
        self.assertEqual(bus.get("gaps", 0), 0, run)
        self.assertEqual(bus.get("out_of_order", 0), 0, run)

    def assert_script_good(self, run):
        self.assertEqual(run.status, 0, run)
        self.assert_no_noise(run)
        self.assertNotIn("FAULT", run.stdout, run)
        self.assertNotIn("≠", run.stdout, run)


def guest(nic, driver, checks, name=None):
    """A class of cases, such as `virtio_vfio`: `checks` have them, and NicCase what they need."""
    _refuse_same_names(*checks, NicCase)
    name = name or f"{nic}_{driver}"
    return type(name, (*checks, NicCase), {"nic": nic, "driver": nics.DRIVERS[driver]})


def _refuse_same_names(*classes):
    """Checks must not have a function of the same name: a class would call only one of them."""
    owners = {}
    for cls in classes:
        for owner in cls.__mro__[:-1]:
            for name, function in vars(owner).items():
                if callable(function) and not name.startswith("__"):
                    owners.setdefault(name, set()).add(owner)
    for name, of_it in owners.items():
        if any(not issubclass(a, b) and not issubclass(b, a) for a in of_it for b in of_it):
            raise TypeError(f"{' and '.join(sorted(owner.__name__ for owner in of_it))} both have a function {name}")


def moldudp64_messages(wanted):
    """For HostEnd.receive: enough are those with so many messages. Each frame is parsed once."""
    parsed = count = 0

    def enough(frames):
        nonlocal parsed, count
        count += sum(moldudp64.parse(frame).count for frame in frames[parsed:])
        parsed = len(frames)
        return count >= wanted
    return enough


class Prompt:
    """testbab at its prompt in the guest, fed line by line."""

    def __init__(self, guest, eal, *app):
        self.guest, self.over = guest, False
        number = guest.jobs + 1
        self.pipe = f"/run/pipe{number}"
        # The holder keeps it open between lines.
        guest.must(f"mkfifo {self.pipe}; sleep 600 >{self.pipe} & echo $! >{self.pipe}.holder")
        self.job = guest.start(guest.testbab_command("-i", *app, eal=eal) + f" <{self.pipe}")

    def say(self, *lines):
        self.guest.must("; ".join(f"echo '{line}' >{self.pipe}" for line in lines))

    def ask(self, line, timeout=30):
        """What a command with `json` says."""
        out = f"{self.job.path}.out"
        # Whole lines: of one that is being written grep would take the first half.
        answers = f"head -n $(wc -l <{out}) {out} | grep '^[[{{]'"
        run = self.guest.run(
            f"before=$({answers} | wc -l); echo '{line}' >{self.pipe};"
            f"n=0; until [ $({answers} | wc -l) -gt $before ]; do [ ! -e {self.job.path}.status ] && "
            f"[ $n -lt {timeout * 20} ] || exit 1; n=$((n+1)); sleep 0.05; done; {answers} | tail -n 1", timeout * 3)
        if run.status:
            raise AssertionError(f"no answer to {line!r}: {''.join(self.job.said())}")
        return json.loads(run.stdout)

    def wait_until_it_says(self, text, timeout=30):
        return self.job.wait_until_it_says(text, timeout)

    def said(self):
        return "".join(self.job.said())

    def finish(self, timeout=60):
        self.say("quit")
        run = self.job.finish(timeout)
        self._let_go()
        return run

    def kill(self):
        if not self.over:
            self.guest.run(f"kill -9 $(cat {self.job.path}.pid)")
            self._let_go()

    def _let_go(self):
        self.guest.run(f"kill $(cat {self.pipe}.holder); rm -f {self.pipe}.holder")
        self.over = True
