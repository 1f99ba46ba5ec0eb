#!/usr/bin/python3
"""`testbab --forward-mode=ping`: round trips, counted one by one. Messages that don't come back are counted as lost."""

import json
import os
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
from memif import MemifCase
from namespaces import CANNOT, Namespaces, OUR_ADDRESS, PEER_ADDRESS, PORT

PING = "--forward-mode=ping"
PATIENT = "--ping-timeout-ms=20000"  # a loaded machine takes lcores away for longer than a second
LATENCY_KEYS = ("count", "min_ns", "mean_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns", "late", "lost",
                "given_up")
PERCENTILES = "min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"


class PingCase(MemifCase):
    def assert_latency(self, run, count):
        latency = run.report["latency"]
        self.assertEqual(latency.keys(), set(LATENCY_KEYS))
        self.assert_counts(latency, LATENCY_KEYS)
        self.assertEqual(latency["count"], count, run)
        in_order = [latency[key] for key in PERCENTILES]
        self.assertEqual(in_order, sorted(in_order))
        self.assertTrue(latency["min_ns"] <= latency["mean_ns"] <= latency["max_ns"], latency)
        if count:
            self.assertGreater(latency["min_ns"], 0)
        return latency

    def assert_all_back(self, run, count):
        self.assert_good(run)
        latency = self.assert_latency(run, count)
        self.assertEqual([latency[key] for key in ("late", "lost", "given_up")], [0, 0, 0])
        self.assertEqual((run.report["bus"]["duplicates"], self.drops(run.report)), (0, {}))
        return latency

    def row(self, run, name):
        return next(term for term in run.report["ledger"]["terms"] if term["name"] == name)


class Alone(PingCase):
    def test_two_ports_of_rings_and_an_echo(self):
        run = self.run_testbab(PING, PATIENT, "--count=2000", eal=None)
        self.assert_all_back(run, 2000)
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["messages_out"]), (4000, 4000), "there and back")
        self.assertEqual(self.row(run, "messages echoed")["in"], 2000)
        self.assertEqual(self.row(run, "messages sent")["out"], {"back": 2000, "back late": 0, "lost on the way": 0})
        self.assertEqual(len(run.report["ports"]), 2)

    def test_one_lcore(self):
        self.assert_all_back(self.run_testbab(PING, PATIENT, "--count=2000", "--nb-cores=1", eal=None), 2000)

    def test_sizes(self):
        for size in "--msg-size=16", "--msg-size=16-8950", "--msg-mix=64:7,594:4,8950:1":
            with self.subTest(size):
                run = self.run_testbab(PING, PATIENT, size, "--count=1200", "--rate=20k", eal=None)
                self.assert_all_back(run, 1200)

    def test_a_port_that_returns_what_it_is_sent(self):
        run = self.run_testbab(PING, PATIENT, "--count=500", vdevs=["net_ring0"])
        self.assert_all_back(run, 500)
        self.assertEqual(run.report["bus"]["messages_in"], 500)

    def test_more_than_go(self):
        """The rate can't be kept: answers come later and later, and messages that are too late aren't sent."""
        run = self.run_testbab(PING, "--rate=1G", "--ping-timeout-ms=100", "--duration=0.5", eal=None)
        self.assertIsNotNone(run.report, run)
        self.assert_adds_up(run.report)
        latency = run.report["latency"]
        self.assertGreater(latency["given_up"], 1000)
        self.assertGreater(latency["max_ns"], 90_000_000)
        if latency["late"] + latency["lost"] == 0:
            self.assert_good(run)

    def test_waits_as_long_as_it_is_told_to(self):
        """A stop gives up no earlier than the timeout."""
        run = self.run_testbab(PING, "--ping-timeout-ms=6500", "--duration=0.3", "--rate=1k",
                               vdevs=[f"net_pcap0,tx_pcap={self.path('out.pcap')}"])
        self.assert_ended(run, 1)
        self.assertEqual(self.assert_latency(run, 0)["lost"], run.report["bus"]["messages_out"])
        self.assertTrue(6.5 < run.report["seconds"] < 12, run.report["seconds"])

    def test_text(self):
        run = self.run_testbab(PING, PATIENT, "--count=500", eal=None)
        self.assertRegex(run.stdout, r"(?m)^  round trips: 500; late 0, lost 0, given up 0$")
        self.assertRegex(run.stdout,
                         r"(?m)^  p50 \d.*, p90 \d.*, p99 \d.*, p99\.9 \d.*, max \d.* \(min \d.*, mean \d.*\)$")
        bars = re.findall(r"(?m)^  ≤ +[\d.]+ [nµm]?s (#*) +(\d+) \(", run.stdout)
        self.assertEqual(sum(int(count) for _, count in bars), 500)
        self.assertIn(40, [len(bar) for bar, _ in bars])

    def test_asked_while_it_runs(self):
        with open(self.path("commands"), "w", encoding="utf-8") as file:
            file.write("set fwd ping\nset rate 50k\nstart\n" + "show bus latency json\n" * 50 + "stop\n"
                       "show bus latency json\n")
        run = self.run_testbab(f"--cmdline-file={self.path('commands')}", PATIENT, eal=None, report=None)
        self.assertEqual(run.status, 0, run)
        seen = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        self.assertEqual(len(seen), 51)
        counts = [latency["count"] for latency in seen]
        self.assertEqual(counts, sorted(counts))
        self.assertGreater(counts[-1], 0)
        self.assertEqual(seen[-1].keys(), {"schema", *LATENCY_KEYS})

    def test_interrupt(self):
        process = self.start(PING, PATIENT, "--stats-period=1", eal=None)
        self.assertTrue(process.wait_until_it_says(lambda said: any(" s " in line for _, _, line in said)))
        process.send(signal.SIGINT)
        run = process.finish(30)
        self.assertIs(run.report["interrupted"], True)
        self.assert_all_back(run, run.report["bus"]["messages_in"] // 2)

    def test_what_it_missed_counts(self):
        """No coordinated omission: the time in which ping stands still counts for messages that should have gone."""
        process = self.start(PING, PATIENT, "--rate=1k", "--duration=1.5", "--stats-period=1", eal=None)
        self.assertTrue(process.wait_until_it_says(lambda said: any(" s " in line for _, _, line in said)))
        process.send(signal.SIGSTOP)
        time.sleep(0.4)
        process.send(signal.SIGCONT)
        run = process.finish()
        latency = self.assert_all_back(run, run.report["latency"]["count"])
        self.assertGreater(latency["max_ns"], 350_000_000)
        # Some 400 of 1,500 stood still with it, 300 of them for 100 ms and more.
        self.assertGreater(latency["p90_ns"], 100_000_000)


class Processes(PingCase):
    def ping(self, peer, *app):
        """The runs of ping and of its peer. The peer is told to end when all messages are answered or lost."""
        runs = self.run_pair((f"--forward-mode={peer}",), (PING, *app), stop_server=True)
        return runs["client"], runs["server"]

    def test_an_echo_elsewhere(self):
        run, echo = self.ping("echo", PATIENT, "--count=3000")
        self.assert_all_back(run, 3000)
        self.assertEqual(run.report["bus"]["messages_in"], 3000)
        self.assert_good(echo)

    def test_nobody_answers(self):
        """Planted: a peer that takes everything and returns nothing."""
        run, null = self.ping("null", "--count=100", "--ping-timeout-ms=300")
        self.assert_ended(run, 1)
        latency = self.assert_latency(run, 0)
        self.assertEqual((latency["lost"], run.report["bus"]["lost"]), (100, 100))
        self.assertRegex(run.stdout, "FAULT: 100 messages lost")
        self.assertEqual(self.row(run, "messages sent")["out"], {"back": 0, "back late": 0, "lost on the way": 100})
        self.assert_good(null)


@unittest.skipIf(CANNOT, CANNOT)
class Kernel(Namespaces, PingCase):
    """A plain socket answers."""

    def ping(self, answers, hold_ms, *app):
        vdev = self.connect(1500)
        way_back = self.introduce()
        peer = self.peer(self.theirs, "answer", PEER_ADDRESS, "-", PORT, answers, hold_ms)
        self.assertEqual(peer.stdout.readline().strip(), "ready")
        return self.start_inside(PING, way_back, f"--tx-ip={OUR_ADDRESS},{PEER_ADDRESS}", f"--tx-udp=4001,{PORT}",
                                 "--rx-udp-port=4001", *app, vdevs=[vdev]).finish()

    def test_round_trips(self):
        self.assert_all_back(self.ping(0, 0, PATIENT, "--rate=1k", "--count=500"), 500)

    def test_the_peer_stops_midway(self):
        """Planted: a socket that goes away after 200 messages."""
        run = self.ping(200, 0, "--rate=1k", "--count=300", "--ping-timeout-ms=1000")
        self.assert_ended(run, 1)
        latency = run.report["latency"]
        self.assertLess(latency["count"], 270)  # a packet may hold some that were late to go
        self.assertGreater(latency["count"], 100)
        self.assertEqual(latency["count"] + latency["lost"], 300)
        self.assertEqual(run.report["bus"]["lost"], latency["lost"] + latency["late"])

    def test_an_echo_that_dies(self):
        """Planted: killed midway. (On net_memif the driver of the other side may end with it.)"""
        vdev = self.connect(1500)
        echo = self.start_inside("--forward-mode=echo", namespace=self.theirs, vdevs=[vdev.replace("bab0", "peer0")])
        ping = self.start_inside(PING, "--rate=2k", "--ping-timeout-ms=300", "--stats-period=1", self.introduce(),
                                 vdevs=[vdev])
        self.assertTrue(ping.wait_until_it_says(lambda said: any("rx" in line for _, _, line in said)))
        echo.send(signal.SIGKILL)
        echo.process.wait()
        time.sleep(0.7)
        ping.send(signal.SIGINT)
        run = ping.finish(30)
        self.assert_ended(run, 1)
        bus, latency = run.report["bus"], run.report["latency"]
        self.assertGreater(latency["count"], 0)
        self.assertGreater(latency["lost"], 100)
        self.assertEqual(latency["lost"] + latency["late"], bus["lost"])
        self.assertEqual(self.row(run, "messages written")["in"], latency["count"] + latency["lost"])
        self.assertRegex(run.stdout, rf"FAULT: {bus['lost']} messages lost")

    def test_late_answers(self):
        """Planted: the first packet is held longer than the timeout."""
        run = self.ping(0, 1200, "--rate=100", "--count=20", "--ping-timeout-ms=400")
        self.assert_ended(run, 1)
        latency = self.assert_latency(run, run.report["latency"]["count"])
        self.assertGreater(latency["late"] + latency["lost"], 0)
        self.assertEqual(run.report["bus"]["lost"], latency["late"] + latency["lost"])
        self.assertRegex(run.stdout, r"messages lost")


if __name__ == "__main__":
    tap.main()
