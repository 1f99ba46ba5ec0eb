#!/usr/bin/python3
"""Limits of a container, a cpuset and a number of threads: testbab refuses in one sentence before EAL starts, and the
doctor says the same."""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import cgroups
import tap
import testbab
from setup_test import NOT_NOBODY, Refused

CPUS = sorted(os.sched_getaffinity(0))
EAL = "--no-huge", "--no-pci", "-m", "64", "--no-shconf", "--no-telemetry"
NO_CPUSET = "there is one CPU alone" if len(CPUS) < 2 else cgroups.obstacle("cpuset", cpus=str(CPUS[0]))
NO_PIDS = cgroups.obstacle("pids", max="100")


class Container(Refused):
    def run_inside(self, group, *line, **options):
        command = cgroups.inside(group, [testbab.PROGRAM, *map(str, line)])
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=self.directory,
                              env={**os.environ, "XDG_RUNTIME_DIR": self.directory}, **options)

    def assert_refused_with(self, ended, *words):
        self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended)
        self.assert_one_sentence(ended.stderr)
        for word in words:
            self.assertRegex(ended.stderr, word)

    def assert_runs(self, ended):
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended)

    def findings(self, ended, topic):
        self.assertEqual(ended.stderr, "", ended)
        return [f for f in json.loads(ended.stdout)["findings"] if f["topic"] == topic]


@unittest.skipIf(NO_CPUSET, NO_CPUSET)
class Cpuset(Container):
    """docker's --cpuset-cpus: one CPU of several."""

    def setUp(self):
        super().setUp()
        self.mine, self.other = CPUS[0], CPUS[1]
        self.group = self.enterContext(cgroups.group("cpuset", cpus=str(self.mine)))

    def run_here(self, *line):
        return self.run_inside(self.group, *EAL, *line)

    def test_a_cpu_that_is_not_ours(self):
        """EAL would panic, or fail without a reason. The mend mends."""
        words = f"may not use CPU {self.other}", f"cpuset has {self.mine}", f"choose from {self.mine}, as in --lcores"
        for line in (("-l", f"{self.mine},{self.other}"),
                     ("-l", f"{self.mine},{self.other}", "--main-lcore", self.other),
                     ("--lcores", f"0@{self.other},1@{self.other}"), ("-c", hex(1 << self.mine | 1 << self.other))):
            ended = self.run_here(*line, "--", "--count=10")
            self.assert_refused_with(ended, "starting EAL: ", *words)
            self.assert_runs(self.run_here(*shlex.split(re.search(r"as in (--lcores \S+),", ended.stderr)[1]), "--",
                                           "--count=10"))

    def test_lcores_that_float_over_more(self):
        self.assert_runs(self.run_here("--lcores", f"0@({self.mine},{self.other}),1@({self.mine},{self.other})", "--",
                                       "--count=10"))

    def test_no_lcores_named(self):
        """EAL takes the CPUs of the cpuset. That is one CPU, so there is no worker."""
        ended = self.run_here("--", "--count=10")
        self.assert_refused_with(ended, "no worker lcore")
        self.assert_runs(self.run_here(*shlex.split(re.search(r"as in (--lcores \S+)", ended.stderr)[1]), "--",
                                       "--count=10"))

    def test_the_embedded_default(self):
        self.assert_runs(self.run_inside(self.group, "--count=10"))

    def test_the_doctor(self):
        for line in (("-l", f"{self.mine},{self.other}"), ()):
            ended = self.run_here(*line, "--", "--doctor", "--json")
            self.assertEqual(ended.returncode, 1, ended)
            found = self.findings(ended, "cpu")
            self.assertTrue(any(f["level"] == "FAIL" for f in found), found)
            for finding in found:
                for number in re.findall(r"[-,@( ](\d+)", re.sub(r"\d@", "@", finding["mend"])):
                    self.assertEqual(int(number), self.mine, finding)


@unittest.skipIf(NO_PIDS, NO_PIDS)
class Pids(Container):
    """docker's --pids-limit."""

    def test_too_few_threads(self):
        """The embedded default has two workers, EAL one thread of its own, and testbab one beside main()'s."""
        for most in (3, 4):
            with cgroups.group("pids", max=str(most)) as group:
                ended = self.run_inside(group, "--count=10")
                self.assert_refused_with(ended, "starting EAL: 3 more threads are needed", f"room for {most - 2}:",
                                         "pids.max .* is ", "--pids-limit")
                wanted = re.search(r"echo (\d+) > (/\S+),", ended.stderr)
                self.assertEqual(os.path.dirname(wanted[2]), group)
                ended = self.run_inside(group, "--doctor", "--json")
                self.assertEqual([f["level"] for f in self.findings(ended, "threads")], ["FAIL"])
                with open(wanted[2], "w", encoding="ascii") as file:
                    file.write(wanted[1])
                self.assert_runs(self.run_inside(group, "--count=10"))
                ended = self.run_inside(group, "--doctor", "--json")
                self.assertEqual([f["level"] for f in self.findings(ended, "threads")], ["OK"])

    def test_no_thread_at_all(self):
        with cgroups.group("pids", max="1") as group:
            self.assert_refused_with(self.run_inside(group, "--count=10"), "Resource temporarily unavailable",
                                     "raise the number of processes")

    def test_just_enough_again_and_again(self):
        """The threads that try the limit have ended before EAL starts its own."""
        with cgroups.group("pids", max="5") as group:
            for _ in range(10):
                self.assert_runs(self.run_inside(group, "--count=10"))


@unittest.skipIf(NOT_NOBODY, NOT_NOBODY)
class Processes(Container):
    def test_of_a_user(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NPROC, (2, 2))
        ended = subprocess.run([testbab.PROGRAM, "--count=10"], capture_output=True, text=True, timeout=20, check=False,
                               cwd=self.directory, preexec_fn=few, **testbab.as_user("nobody"))
        self.assert_refused_with(ended, "starting EAL: 3 more threads are needed", r"ulimit -u\)", r"; ulimit -u \d+")


if __name__ == "__main__":
    tap.main()
