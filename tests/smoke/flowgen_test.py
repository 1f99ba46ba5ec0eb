#!/usr/bin/python3
"""`testbab --forward-mode=flowgen`: many writers on several lcores write into one session, each in order."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import testbab
from smoke_case import SmokeCase

# Five lcores on the CPUs there are: writers meet in the middle of what they do.
CPUS = len(os.sched_getaffinity(0))
FLOATING = (*testbab.PLAIN_EAL, "--lcores", "0@0,1@0,2@{0},3@0,4@{0}".format(min(1, CPUS - 1)))
FLOWGEN = "--forward-mode=flowgen"


class Flowgen(SmokeCase):
    def flows(self, *app, eal=FLOATING):
        run = self.run_testbab(FLOWGEN, *app, eal=eal)
        self.assert_good(run)
        bus = run.report["bus"]
        self.assertEqual((bus["out_of_order"], bus["gaps"], bus["missing"]), (0, 0, 0), run)
        self.assertEqual(bus["messages_in"], bus["messages_out"], run)
        writers = bus["writers"]
        for key, total in ("messages", "messages_out"), ("bytes", "bytes_out"), ("frames", "frames_out"):
            self.assertEqual(sum(w[key] for w in writers), bus[total], run)
        self.assertEqual([w["id"] for w in writers], list(range(len(writers))))
        return bus

    def test_writers_of_each_kind(self):
        for kind in "shared", "local":
            for writers in 1, 2, 7, 64:
                with self.subTest(kind=kind, writers=writers):
                    count = 200000 if writers < 64 else 50000
                    bus = self.flows(f"--writers={writers}", f"--writer-kind={kind}", f"--count={count}",
                                     "--msg-size=8-100")
                    self.assertEqual((bus["messages_in"], bus["streams"]), (count, writers))
                    self.assertEqual(len(bus["writers"]), 1 if kind == "shared" else writers)

    def test_messages_are_packed(self):
        for kind in "shared", "local":
            with self.subTest(kind=kind):
                bus = self.flows(f"--writer-kind={kind}", "--writers=4", "--count=400000", "--max-delay-us=1000000")
                self.assertGreater(bus["messages_in"] / bus["frames_in"], 200)

    def test_few_buffers(self):
        for kind, buffers in ("shared", 4), ("shared", 16), ("local", 16):
            with self.subTest(kind=kind, buffers=buffers):
                self.flows(f"--writer-kind={kind}", "--writers=4", f"--total-num-mbufs={buffers}", "--count=50000")

    def test_largest_messages(self):
        for kind in "shared", "local":
            with self.subTest(kind=kind):
                self.flows(f"--writer-kind={kind}", "--writers=3", "--msg-size=8-8950", "--count=20000")

    def test_embedded_default(self):
        self.flows("--writers=3", "--duration=0.5", eal=None)

    def test_interrupt(self):
        for kind in "shared", "local":
            with self.subTest(kind=kind):
                process = self.start(FLOWGEN, f"--writer-kind={kind}", "--writers=5", "--stats-period=1", eal=FLOATING)
                self.assertTrue(process.wait_until_it_says(lambda said: any(" s " in line for _, _, line in said)))
                process.send(signal.SIGINT)
                run = process.finish()
                self.assert_good(run)
                self.assertEqual(run.report["bus"]["out_of_order"], 0)

    def test_what_it_cannot_do(self):
        self.assert_refused(self.run_testbab(FLOWGEN, "--msg-size=7", "--count=1"), "msg-size=7", "8")
        self.assert_refused(self.run_testbab(FLOWGEN, "--msg-size=8951", "--count=1"), "8951", "8950")
        self.assert_refused(self.run_testbab(FLOWGEN, "--writer-kind=local", "--writers=8", "--total-num-mbufs=16"),
                            "writers=8", "16", "total-num-mbufs")
        self.assert_refused(self.run_testbab(FLOWGEN, "--mtu=20000", "--count=1"), "16383")


if __name__ == "__main__":
    tap.main()
