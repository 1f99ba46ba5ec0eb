#!/usr/bin/python3
"""`--rate=` and message sizes: all ways of sending keep to the messages per second and the sizes asked for."""

import collections
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import moldudp64
import tap
import testbab
from smoke_case import SmokeCase

SECONDS = 10 if testbab.LONG else 0.5
TRIES = 5  # an lcore that is taken away at the run's end can't make up for it
STOP = 0 if testbab.LONG else 0.05  # seconds: a stop takes some on a loaded machine, and nothing is sent meanwhile
SENDERS = {
    "loop": ((), ()),
    "loop by two sessions": ((), ("--txq=2", "--rxq=2")),
    "txonly on two ports": (("net_null0", "net_null1"), ("--forward-mode=txonly",)),
    "flowgen": ((), ("--forward-mode=flowgen", "--writers=3")),
    "flowgen, local writers": ((), ("--forward-mode=flowgen", "--writers=3", "--writer-kind=local")),
}


class Rate(SmokeCase):
    def reached(self, rate, vdevs, app):
        run = self.run_testbab(*app, f"--rate={rate}", f"--duration={SECONDS}", vdevs=vdevs,
                               **({} if vdevs else {"eal": None}))
        self.assert_good(run)
        return run.report["bus"]["messages_out"], run.report["seconds"]

    def assert_rate(self, text, rate, vdevs, app):
        """Never faster, not even in a try that is slower."""
        slow = []
        for _ in range(TRIES):
            messages, seconds = self.reached(text, vdevs, app)
            # A message of each sender may go at once; the clocks agree to better than 0.1 %.
            self.assertLess(messages, rate * seconds * 1.001 + 4)
            if messages > rate * (seconds - STOP) * 0.99:
                return
            slow.append((messages, seconds))
        self.fail(f"asked for {text}, reached {slow}")

    def test_every_sender(self):
        for name, (vdevs, app) in SENDERS.items():
            with self.subTest(name):
                self.assert_rate("200k", 200_000, vdevs, app)

    def test_every_order_of_magnitude(self):
        for text, rate in ("1k", 1e3), ("2.5M", 2.5e6):
            with self.subTest(text):
                self.assert_rate(text, rate, ("net_null0",), ("--forward-mode=txonly",))

    def test_low_rates_do_not_wait_for_frames_to_fill(self):
        run = self.run_testbab("--rate=100", "--count=20", eal=None)
        self.assert_good(run)
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["messages_out"]), (20, 20))
        self.assertGreater(bus["frames_out"], 5)
        self.assertGreater(run.report["seconds"], 0.18)

    def test_fewer_messages_than_senders(self):
        run = self.run_testbab("--rate=50", "--count=3", "--txq=4", "--rxq=4", eal=None)
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["messages_in"], 3)
        self.assertGreater(run.report["seconds"], 0.03)

    def test_zero_is_no_limit(self):
        run = self.run_testbab("--rate=0", "--count=1000000", eal=None)
        self.assert_good(run)

    def test_what_cannot_be_reached_is_sent_as_fast_as_it_goes(self):
        run = self.run_testbab("--rate=1G", "--duration=0.5", eal=None)
        self.assert_good(run)
        self.assertGreater(run.report["bus"]["messages_in"], 0)

    def test_interrupt_between_two_messages(self):
        process = self.start("--rate=2", "--stats-period=1", "--forward-mode=flowgen", eal=None)
        self.assertTrue(process.wait_until_it_says(lambda said: any(" s " in line for _, _, line in said)))
        process.send(signal.SIGINT)
        run = process.finish(20)
        self.assert_good(run)
        self.assertIs(run.report["interrupted"], True)


class Sizes(SmokeCase):
    def sent(self, *app):
        run, frames = self.txonly("--count=1200", *app)
        self.assert_good(run)
        sizes = [len(message) for frame in frames for message in moldudp64.parse(frame).messages]
        self.assertEqual(len(sizes), 1200)
        self.assertEqual(run.report["bus"]["bytes_out"], sum(sizes))
        return sizes

    def test_mix_is_exact(self):
        counts = collections.Counter(self.sent("--msg-mix=64:7,594:4,1450:1"))
        self.assertEqual(counts, {64: 700, 594: 400, 1450: 100})

    def test_list_is_taken_in_turn(self):
        sizes = self.sent("--msg-size=10,300,20")
        self.assertEqual(sizes[0:3] * 400, sizes)
        self.assertEqual(set(sizes), {10, 20, 300})

    def test_range(self):
        sizes = self.sent("--msg-size=8-40")
        self.assertEqual((min(sizes), max(sizes)), (8, 40))

    def test_received_and_checked(self):
        for app in ("--msg-mix=8:3,100:2,8950:1",), ("--forward-mode=flowgen", "--msg-mix=8:3,100:2,5000:1"):
            with self.subTest(app=app):
                self.assert_good(self.run_testbab("--count=50000", *app, eal=None))


if __name__ == "__main__":
    tap.main()
