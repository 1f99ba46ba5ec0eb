#!/usr/bin/python3
"""pcapng files written beside the traffic: tshark judges them."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import tshark
from smoke_case import SmokeCase

MOLD = ("-d", "udp.port==9,moldudp64")


class Capture(SmokeCase):
    def fields(self, *names):
        out = subprocess.run(["tshark", "-r", self.path("c.pcapng"), *MOLD, "-T", "fields",
                              *(w for n in names for w in ("-e", n))], check=True, capture_output=True, text=True)
        return [line.split("\t") for line in out.stdout.splitlines()]

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_both_directions_and_their_times(self):
        before = time.time()
        run = self.run_testbab("--count=50000", f"--capture={self.path('c.pcapng')}", eal=None)
        self.assert_good(run)
        capture = run.report["capture"]
        frames = run.report["bus"]["frames_out"]
        self.assertEqual(capture["wanted"], 2 * frames)
        self.assertEqual(capture["written"] + capture["missed"], capture["wanted"])
        self.assertEqual(capture["failed"], 0)
        rows = self.fields("frame.time_epoch", "frame.packet_flags_direction", "frame.interface_name",
                           "moldudp64.sequence", "moldudp64.count")
        self.assertEqual(len(rows), capture["written"])
        self.assertEqual({int(row[1], 16) for row in rows}, {1, 2}, "in and out")
        self.assertEqual(len({row[2] for row in rows}), 1)
        self.assertTrue(rows[0][2], "the interface has a name")
        for row in rows:
            self.assertTrue(before - 1 < float(row[0]) < time.time() + 1, row)
        if not capture["missed"]:
            for direction in (1, 2):
                next_one = 1
                for row in rows:
                    if int(row[1], 16) == direction:
                        self.assertEqual(int(row[3]), next_one)
                        next_one += int(row[4])
                self.assertEqual(next_one, 50001)

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_drop_counts(self):
        """What its writer can't keep up with is counted, in the report and in the file; the run goes on."""
        run = self.run_testbab("--count=1500000", f"--capture={self.path('c.pcapng')}", eal=None)
        self.assert_good(run)
        capture = run.report["capture"]
        self.assertEqual(capture["written"] + capture["missed"], capture["wanted"])
        self.assertEqual(len(self.fields("frame.number")), capture["written"])
        with open(self.path("c.pcapng"), "rb") as file:
            file.seek(-200, os.SEEK_END)
            tail = file.read()
        self.assertIn(capture["wanted"].to_bytes(8, sys.byteorder), tail)
        self.assertIn(capture["missed"].to_bytes(8, sys.byteorder), tail)

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        run = self.run_testbab("--count=1000", "--capture=/dev/full", eal=None)
        self.assertIn(run.status, (1, 2), run)
        self.assertIn("No space left on device", run.stdout + run.stderr)

    def test_no_such_directory(self):
        self.assert_refused(self.run_testbab("--count=1", "--capture=/no-such-directory/c.pcapng", eal=None),
                            "/no-such-directory/c.pcapng")


if __name__ == "__main__":
    tap.main()
