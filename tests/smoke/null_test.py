#!/usr/bin/python3
"""`testbab --forward-mode=null`: every frame is received, counted and freed unread."""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import pcapfile
import tap
from memif import MemifCase

NULL = "--forward-mode=null"


class Null(MemifCase):
    def test_counts_good_and_wrong_frames(self):
        frames = captures.frames(captures.many_small(50) + captures.wrong())
        pcapfile.write(self.path("in.pcap"), frames)
        run = self.run_testbab(NULL, "--idle-exit-ms=100", vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')}"])
        self.assert_good(run)
        bus, size = run.report["bus"], sum(map(len, frames))
        self.assertEqual((bus["frames_in"], bus["bytes_in"], bus["messages_in"]), (len(frames), size, 0))
        self.assertEqual(self.drops(run.report), {}, "nothing is looked at")
        self.assertEqual([bus[what] for what in ("messages_out", "frames_out", "streams")], [0, 0, 0])
        self.assertEqual(run.report["ledger"]["terms"], [
            {"name": "port 0: frames received", "in": len(frames), "balanced": True, "unaccounted": 0,
             "out": {"taken by pollers": len(frames), "freed at the stop": 0}},
            {"name": "frames received", "in": len(frames), "out": {"good": len(frames)}, "balanced": True,
             "unaccounted": 0}])

    def test_frames_of_another_process(self):
        runs = self.run_pair((NULL, "--idle-exit-ms=1500"), ("--forward-mode=txonly", "--count=200000"), "--mtu=9000")
        run, sender = runs["server"], runs["client"]
        self.assert_good(sender)
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["frames_in"], sender.report["bus"]["frames_out"])
        self.assertEqual(run.report["bus"]["bytes_in"], sender.report["ports"][0]["tx_bytes"])

    def test_every_port_and_queue(self):
        run = self.run_testbab(NULL, "--duration=0.3", vdevs=["net_null0", "net_null1"])
        self.assert_good(run)
        for port in run.report["ports"]:
            self.assertGreater(port["rx_frames"], 0)

    def test_count_is_of_frames(self):
        run = self.run_testbab(NULL, "--count=5000", vdevs=["net_null0"])
        self.assert_good(run)
        self.assertGreaterEqual(run.report["bus"]["frames_in"], 5000)

    def test_live_rate_is_of_frames(self):
        process = self.start(NULL, "--stats-period=1", vdevs=["net_null0"])
        self.assertTrue(process.wait_until_it_says(lambda said: any("frame/s" in line for _, _, line in said)))
        process.send(signal.SIGINT)
        run = process.finish(20)
        self.assert_good(run)
        self.assertIs(run.report["interrupted"], True)


if __name__ == "__main__":
    tap.main()
