#!/usr/bin/python3
"""What EAL says when it doesn't start, where its last line isn't the reason, or it gets to say no more."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import testbab
from setup_test import CPUS, NOT_NOBODY, SMALL_EAL, Refused


def is_closed(folder):
    """We may write to it, and not everybody to it or to a folder above it."""
    if not os.access(folder, os.W_OK):
        return False
    while not os.stat(folder).st_mode & 0o002:
        if folder == "/":
            return True
        folder = os.path.dirname(folder)
    return False


class EalReasons(Refused):
    def test_the_cause_is_not_the_last_line(self):
        """EAL would end with "Invalid 'command line' arguments". testbab names each cause, and each mend works."""
        alone = "--no-huge", "--no-pci", "-m", "64", "--no-shconf", "--no-telemetry"
        first = CPUS[0]
        for words, line, mended in (
            (("--socket-mem cannot be specified together with --no-huge", "leave one"),
             (*alone[:2], "--socket-mem=64"), alone),
            (("--huge-unlink cannot", "leave one"), (*alone, "--huge-unlink"), alone),
            (("--huge-worker-stack cannot", "leave one"), (*alone, "--huge-worker-stack"), alone),
            (("--allow cannot be specified together with -b", "leave one"),
             (*alone[:1], "-b", "0000:00:00.0", "--allow", "0000:00:1f.0", *alone[2:]),
             (*alone[:1], "-b", "0000:00:00.0", *alone[2:])),
            (("-c cannot be specified together with -l", "leave one"),
             (*alone, "-l", first, "-c", "0x1"), (*alone, "-l", first)),
            (("--lcores (cannot be specified together with|and) -l", "leave one|give it once"),
             (*alone, "-l", first, "--lcores", f"0@{first}"), (*alone, "-l", first)),
            (("--file-prefix=;", "give it a name", "leave --file-prefix out"), (*alone, "--file-prefix="), alone),
            (("lcore 200 >= RTE_MAX_LCORE", "--lcores"), (*alone, "-l", f"{first},200"),
             (*alone, "--lcores", f"0@{first}"))):  # fmt: skip
            self.refuse((("starting EAL: ", *words), (*line, "--", "--count=1")))
            run = self.run_testbab("--count=1", eal=tuple(map(str, mended)), report=None)
            self.assertNotIn("starting EAL", run.stderr, run)

    def test_read_only_run(self):
        """Nobody's runtime directory can be made."""
        if os.geteuid():
            self.skipTest("only root can mount a file system")
        line = "mount -t tmpfs -o ro none /run && exec \"$0\" --no-huge --no-pci -m 64 -- --count=1"
        ended = subprocess.run(["unshare", "-m", "sh", "-c", line, testbab.PROGRAM], capture_output=True, text=True,
                               timeout=20, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended)
        self.assert_one_sentence(ended.stderr)
        self.assertIn("/run", ended.stderr)
        self.assertIn("--no-shconf --no-telemetry", ended.stderr)

    def test_process_types(self):
        """--proc-type=auto is a primary process where there is none; a second one can't join it without hugepages."""
        prefix = f"--file-prefix=bab-auto-{os.getpid()}"
        self.addCleanup(shutil.rmtree, f"/var/run/dpdk/{prefix.split('=')[1]}", ignore_errors=True)
        eal = "--no-huge", "--no-pci", "--no-telemetry", "-m", "64", prefix, "--proc-type=auto"
        first = self.start("--stats-period=1", "--total-num-mbufs=500", eal=eal)
        self.assertTrue(first.wait_until_it_says(lambda said: len(said) > 0, 20), first.said)
        self.refuse((("hugepage_data", "choose another --file-prefix"), (*eal, "--", "--count=1")))
        first.send(signal.SIGTERM)
        self.assert_good(first.finish(20))

    @unittest.skipIf(NOT_NOBODY, NOT_NOBODY)
    def test_runtime_directories(self):
        """As su, containers and long paths leave them."""
        long = self.path("d" * 120)
        os.mkdir(long, 0o777)
        os.chmod(long, 0o777)
        eal = "--no-huge", "--no-pci", "-m", "64"
        for directory, words in (("/nonexistent", ("Error creating '/nonexistent/dpdk'", "XDG_RUNTIME_DIR",
                                                   "--no-shconf")),
                                 (long, ("path too long", "XDG_RUNTIME_DIR", "--no-telemetry"))):
            def run(*more, directory=directory):
                return subprocess.run([testbab.PROGRAM, *eal, *more, "--", "--count=1"], capture_output=True, text=True,
                                      env={**os.environ, "XDG_RUNTIME_DIR": directory}, timeout=20, check=False,
                                      **testbab.as_user("nobody"))
            ended = run()
            self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended.stderr)
            self.assert_one_sentence(ended.stderr)
            for word in words:
                self.assertIn(word, ended.stderr)
            ended = run("--no-shconf", "--no-telemetry")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_what_eal_says_before_it_aborts(self):
        """A second copy of a bus panics inside EAL's start, while its log is being kept back."""
        found = glob.glob("/usr/lib/*/librte_bus_pci.so.*.*")
        if not found:
            self.skipTest("DPDK's PCI bus is no library here")
        place = next(filter(is_closed, (os.path.dirname(testbab.PROGRAM), os.path.expanduser("~"), "/run")), None)
        if place is None:
            self.skipTest("EAL takes no driver from below a folder that everybody may write, and all others are closed")
        folder = tempfile.TemporaryDirectory(dir=place)
        self.addCleanup(folder.cleanup)
        copy = os.path.join(folder.name, "librte_bus_pci.so")
        shutil.copy(found[0], copy)
        run = self.run_testbab("--count=1", eal=(*SMALL_EAL, "-d", copy), report=None)
        self.assertEqual(run.status, -signal.SIGABRT, run)
        self.assertEqual(run.stdout, "", run)
        self.assertRegex(run.stderr, r"\A(EAL: )?PANIC in .*\n.*tailq")


if __name__ == "__main__":
    tap.main()
