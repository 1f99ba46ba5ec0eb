#!/usr/bin/python3
"""pcapng files written beside the traffic: tshark judges them."""

import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import testbab
import tshark
from smoke_case import SmokeCase
from stalled_thread import StalledThread

MOLD = ("-d", "udp.port==9,moldudp64")
BUFFERS = 2048  # copies that wait to be written
PAIRS = 5
RECEIVED = re.compile(r"rx +([\d.]+) ([kMG]?) ?msg/s")


def received(said):
    """The number of messages that came in a line's second, roughly. 0: it is no line of rates."""
    found = RECEIVED.search(said[2])
    return float(found[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[found[2]] if found else 0


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

    def counts_in_file(self):
        """(frames seen, frames dropped) of all interfaces, as Wireshark reads them out of the file."""
        out = subprocess.run(["tshark", "-r", self.path("c.pcapng"), "-X", "read_format:MIME Files Format",
                              "-T", "fields", "-e", "pcapng.options.option.data.interface.received",
                              "-e", "pcapng.options.option.data.interface.dropped"],
                             check=True, capture_output=True, text=True).stdout.strip()
        received, dropped = out.split("\t")
        return sum(map(int, received.split(","))), sum(map(int, dropped.split(",")))

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_traffic_goes_on_while_nothing_is_written(self):
        """What isn't captured is counted, in the report and in the file."""
        run = self.start("--rate=200k", "--stats-period=1", f"--capture={self.path('c.pcapng')}", "--mtu=1500",
                         eal=None)

        def messages_pass(number):
            """So many messages are received from now on."""
            before = len(run.said)
            self.assertTrue(run.wait_until_it_says(lambda said: sum(map(received, said[before:])) >= number), run.said)

        messages_pass(1)
        try:
            with StalledThread(run.process.pid, ("bab-capture",)):
                messages_pass(50 * BUFFERS)  # at most 42 a frame, and each frame is sent and received
        except PermissionError as error:
            self.skipTest(str(error))
        run.send(signal.SIGINT)
        run = run.finish()
        self.assert_good(run)
        capture = run.report["capture"]
        self.assertEqual(capture["wanted"], 2 * run.report["bus"]["frames_out"])
        self.assertGreater(capture["missed"], BUFFERS, "of the time without a writer")
        self.assertEqual((capture["written"] + capture["missed"], capture["failed"]), (capture["wanted"], 0))
        self.assertEqual(len(self.fields("frame.number")), capture["written"])
        self.assertEqual(self.counts_in_file(), (capture["wanted"], capture["missed"]))

    def test_a_capture_of_lcores_with_time_left_is_whole(self):
        """An lcore that polls has idle time for copies and the file's writer, whatever else the CPUs do. Here that is
        125 µs per frame, ten times what a frame takes. The time that lcores may save up is enough for a third of the
        frames."""
        run = self.run_testbab("--rate=2k", "--count=6000", "--capture-share=1", f"--capture={self.path('c.pcapng')}",
                               eal=None)
        self.assert_good(run)
        capture = run.report["capture"]
        self.assertGreater(capture["wanted"], 1000, "a message waits for no other one")
        self.assertGreater(capture["written"], 0.95 * capture["wanted"], run)

    def test_traffic_takes_no_longer(self):
        """Compares runs with and without a capture, in pairs, and takes the best pair. Another process on the CPU slows
        only some runs down; a capture that traffic has to wait for would slow down every run."""
        ratios = []
        for _ in range(PAIRS):
            alone, captured = (self.seconds_of(*app) for app in ((), (f"--capture={self.path('c.pcapng')}",)))
            ratios.append(captured / alone)
            if ratios[-1] < 1.1:
                return
        self.fail(f"with a capture it took {ratios} times as long")

    def seconds_of(self, *app):
        run = self.run_testbab("--rate=500k", "--count=250000", *app, eal=None)
        self.assert_good(run)
        if app:
            self.assertGreater(run.report["capture"]["written"], 0)
        return run.report["seconds"]

    @unittest.skipUnless(testbab.LONG, "a rate is measured on a quiet machine: BAB_LONG=1")
    def test_rates_on_a_quiet_machine(self):
        for rate, share_of_rate, share_of_capture in (500_000, 0.95, 0), (2_000_000, 0.9, 0.7):
            with self.subTest(rate=rate):
                run = self.run_testbab(f"--rate={rate}", "--duration=1.5", f"--capture={self.path('c.pcapng')}",
                                       eal=None)
                self.assert_good(run)
                capture = run.report["capture"]
                self.assertGreater(run.report["bus"]["messages_out"], share_of_rate * rate * run.report["seconds"], run)
                self.assertGreater(capture["written"], share_of_capture * capture["wanted"], run)

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    @unittest.skipIf(os.geteuid() != 0, "only root can mount a small file system")
    def test_a_disk_that_fills_up(self):
        """Frames in the file are whole, the others are counted, and the run goes on to its end."""
        os.mkdir(self.path("disk"))
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", self.path("disk")], check=False,
                               capture_output=True, text=True)
        if mount.returncode:
            self.skipTest(mount.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)
        os.symlink(self.path("disk/c.pcapng"), self.path("c.pcapng"))
        run = self.run_testbab("--rate=200k", "--count=200000", f"--capture={self.path('c.pcapng')}", eal=None)
        self.assert_ended(run, 1)
        self.assertIn("No space left on device", run.stdout)
        self.assertEqual(run.report["bus"]["messages_in"], 200000)
        capture = run.report["capture"]
        self.assertGreater(capture["written"], 0)
        self.assertGreater(capture["failed"], 0)
        self.assertEqual(capture["written"] + capture["missed"] + capture["failed"], capture["wanted"])
        self.assertEqual(len(self.fields("frame.number")), capture["written"])

    def test_a_limit_to_the_file_is_no_crash(self):
        run = self.run_testbab("--rate=200k", "--count=200000", f"--capture={self.path('c.pcapng')}", eal=None,
                               largest_file=500_000)
        self.assert_ended(run, 1)
        self.assertIn("not written", run.stdout)
        self.assertLessEqual(os.path.getsize(self.path("c.pcapng")), 500_000)

    def test_a_refused_run_leaves_the_file(self):
        with open(self.path("c.pcapng"), "wb") as file:
            file.write(b"precious")
        self.assert_refused(self.run_testbab("--count=1", f"--capture={self.path('c.pcapng')}",
                                             vdevs=[f"net_pcap0,rx_pcap={self.path('none')}"]))
        self.commands(f"capture start {self.path('other.pcapng')}", f"capture start {self.path('c.pcapng')}",
                      expected=1)
        self.commands(f"capture start {self.path('c.pcapng')} port 7", expected=1)
        with open(self.path("c.pcapng"), "rb") as file:
            self.assertEqual(file.read(), b"precious")

    def commands(self, *lines, expected=0, engine="loop"):
        """Runs commands through a pipe. Gives the output."""
        done = subprocess.run([testbab.PROGRAM, "-i", f"--forward-mode={engine}"], input="\n".join(lines) + "\n",
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, expected, f"{lines}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_commands(self):
        path = self.path("c.pcapng")
        said = self.commands("set rate 200000", "start", f"capture start {path} tx udp 9 1 in 2", "show capture json",
                             "wait 1", "capture stop", "show capture", "stop", "quit")
        self.assertIn(f'"path":"{path}"', said.replace(" ", ""))
        self.assertRegex(said, rf"captured \d+ of \d+ frames in {path}")
        self.assertIn("nothing is captured", said)
        rows = self.fields("frame.packet_flags_direction", "udp.dstport")
        self.assertGreater(len(rows), 10)
        self.assertEqual({(int(row[0], 16), row[1]) for row in rows}, {(2, "9")})
        self.commands("start", f"capture start {path} port 0 udp 77", "wait 1", "capture stop", "stop")
        self.assertEqual(self.fields("frame.number"), [], "another UDP port's")

    def test_a_capture_goes_on_over_runs(self):
        said = self.commands("set rate 1000", f"capture start {self.path('c.pcapng')} rx", "start", "wait 1", "stop",
                             "start", "wait 1", "stop", "port config mtu 0 1500", "quit", expected=1)
        self.assertIn("stop the capture first", said)

    def test_bad_commands(self):
        path = self.path("c.pcapng")
        for line, why in ((f"capture start {path} port 7", "no port 7"), (f"capture start {path} 1 in 0", "from 1 to"),
                          (f"capture start {path} share 0", "from 1 to 100"),
                          (f"capture start {path} share 101", "from 1 to 100"),
                          (f"capture start {path} share", "PERCENT"),
                          (f"capture start {path} udp 70000", "from 1 to 65535"),
                          ("capture stop", "nothing is captured"),
                          (f"capture start {path} sideways", "sideways"), ("capture start", "FILE"),
                          ("capture start /no-such-directory/c.pcapng", "No such file")):
            with self.subTest(line):
                self.assertIn(why, self.commands(line, expected=1))
        said = self.commands(f"capture start {path}", f"capture start {path}2", expected=1)
        self.assertIn("already", said)

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        run = self.run_testbab("--count=1000", "--capture=/dev/full", eal=None)
        self.assertIn(run.status, (1, 2), run)
        self.assertIn("No space left on device", run.stdout + run.stderr)

    def test_a_pipe(self):
        os.mkfifo(self.path("pipe"))
        self.assert_refused(self.run_testbab("--count=1", f"--capture={self.path('pipe')}", eal=None), "pipe")
        master, slave = os.openpty()
        self.assert_refused(self.run_testbab("--count=1", f"--capture={os.ttyname(slave)}", eal=None), "terminal")
        os.close(master)
        os.close(slave)

    def test_a_share_without_a_capture(self):
        self.assert_refused(self.run_testbab("--count=1", "--capture-share=9", eal=None), "--capture=FILE")

    def test_no_such_directory(self):
        self.assert_refused(self.run_testbab("--count=1", "--capture=/no-such-directory/c.pcapng", eal=None),
                            "/no-such-directory/c.pcapng")


if __name__ == "__main__":
    tap.main()
