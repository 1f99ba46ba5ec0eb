#!/usr/bin/python3
"""Engines that testbab doesn't have, each from a file of its own (TESTBAB is a testbab that they are linked into).

What an engine needs is its file, a place in the table and in the build: options, help, the prompt, a run and its
report know it from there.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import pcapfile
import tap
import testbab
from prompt import run_script
from smoke_case import SmokeCase
from testbab import signal

NOWHERE = ["net_null0,size=64"]


class Tick(SmokeCase):
    """An engine like any other."""

    def test_is_listed(self):
        for argument, line in (("--help", r"\n  tick     send ticks\n"), ("--man", r"\n\.B tick\nsend ticks\n"),
                               ("--bash-completion", r"\bnull tick endless\b")):
            said = subprocess.run([testbab.PROGRAM, argument], capture_output=True, text=True, check=True).stdout
            with self.subTest(argument=argument):
                self.assertRegex(said, line)

    def test_is_among_those_there_are(self):
        run = self.run_testbab("--forward-mode=tock", report=None)
        self.assertEqual(run.status, 2)
        self.assertRegex(run.stderr, '"tock" is no engine; there are loop, .*, null, tick, endless;')

    def test_needs_what_its_entry_says(self):
        run = self.run_testbab("--forward-mode=tick")
        self.assert_refused(run, "tick needs a port to tick on, and EAL brought none")
        run = self.run_testbab("--forward-mode=tick", vdevs=["net_null0", "net_null1"])
        self.assert_refused(run, "tick uses at most 1 ports and EAL brought 2")
        run = self.run_testbab("--forward-mode=tick", "--rate=5", vdevs=NOWHERE)
        self.assert_refused(run, "tick makes no messages of its own")

    def test_runs(self):
        run, frames = self.run_to_a_capture("--forward-mode=tick", "--count=1000")
        self.assert_good(run)
        self.assertEqual((run.report["engine"], run.report["bus"]["messages_out"]), ("tick", 1000))
        self.assertEqual(run.report["ledger"]["terms"][1]["name"], "messages ticked")
        parsed = self.assert_stream(frames, [b"tick"] * 1000, 1500)
        self.assertEqual({frame.session for frame in parsed}, {b"TICK      "})

    def test_takes_commands(self):
        script = "set fwd tick\nshow config fwd\nstart\nwait\nshow bus lcores\n"
        run = run_script(script, "--forward-mode=txonly", "--count=10", directory=self.directory, eal=testbab.PLAIN_EAL,
                         vdevs=NOWHERE)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run)
        self.assertIn("engine tick", run.stdout)
        self.assertIn("ticker", run.stdout)

    def run_to_a_capture(self, *app):
        run = self.run_testbab(*app, vdevs=[f"net_pcap0,tx_pcap={self.path('out.pcap')}"])
        return run, pcapfile.read(self.path("out.pcap"))


class Endless(SmokeCase):
    """An engine that never finishes and always makes progress: what ends a stop then."""

    def test_a_signal_ends_the_waiting(self):
        process = self.start("--forward-mode=endless", "--duration=0.2", eal=None)
        time.sleep(1.5)
        self.assertIsNone(process.poll(), "it is waited for")
        process.send(signal.SIGTERM)
        run = process.finish(15)
        self.assertEqual((run.status, run.report["engine"], run.report["ports"][0]["rx_frames"]),
                         (0, "endless", 0), run)
        self.assertLess(run.seconds, 8, run)


if __name__ == "__main__":
    tap.main()
