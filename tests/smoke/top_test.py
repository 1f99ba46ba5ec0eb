#!/usr/bin/python3
"""`testbab --top` on a terminal of 80 x 24, and without a terminal."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import pexpect
import pyte
import tap
import terminals
import testbab
from smoke_case import SmokeCase


class Terminal:
    """A program on a terminal, and the contents of its screen."""

    def __init__(self, *app, term="linux"):
        terminals.require_one()
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.seen = b""
        self.child = pexpect.spawn(testbab.PROGRAM, list(app), dimensions=(24, 80), timeout=30,
                                   env={**os.environ, "TERM": term})

    def read(self, seconds=0.1):
        """False: the program has ended."""
        try:
            data = self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.seen += data
        self.stream.feed(data)
        return True

    def wait_for(self, text, seconds=30):
        deadline = time.monotonic() + seconds
        while not any(text in line for line in self.screen.display):
            if not self.read() or time.monotonic() > deadline:
                raise AssertionError(f"{text!r} never came:\n" + "\n".join(self.screen.display))

    def line(self, start):
        return next((line for line in self.screen.display if line.startswith(start)), None)

    def end(self):
        while self.read(30):
            pass
        self.child.close()
        return self.child.exitstatus


class Top(SmokeCase):
    def terminal(self, *app, **options):
        terminal = Terminal("--top", f"--json={self.path('report.json')}", *app, **options)
        self.addCleanup(terminal.child.close, force=True)
        return terminal

    def test_pages_and_keys(self):
        terminal = self.terminal()
        terminal.wait_for("[1 bus]")
        terminal.wait_for("lcore 1")
        for start in ("sent", "received", "lcore 1", "lcore 2", "tx_0", "ring", "dropped"):
            self.assertIsNotNone(terminal.line(start), terminal.screen.display)
        for key, page in (("2", "[2 ports]"), ("3", "[3 levels]"), ("v", "[4 drops]"), ("v", "[1 bus]")):
            terminal.child.send(key)
            terminal.wait_for(page)
        terminal.child.send("q")
        self.assertEqual(terminal.end(), 0, terminal.seen[-3000:])
        self.assertIn(b"good: every message accounted for", terminal.seen)

    def test_clear(self):
        terminal = self.terminal("--forward-mode=txonly", "--rate=1000")  # no port
        self.assertEqual(terminal.end(), 2)
        terminal = self.terminal("--rate=1000")
        terminal.wait_for("0:00:03")
        before = int(terminal.line("sent").split()[-1])
        terminal.child.send("c")
        terminal.wait_for("0:00:04")
        self.assertLess(int(terminal.line("sent").split()[-1]), before)
        terminal.child.send("q")
        self.assertEqual(terminal.end(), 0)

    def test_drops_by_reason(self):
        """A receiver of another UDP port drops every frame, and each line of rates says so."""
        terminal = self.terminal("--rx-udp-port=77")
        terminal.wait_for("other_port")
        terminal.wait_for("+")
        terminal.child.send("q")
        self.assertEqual(terminal.end(), 1)

    def test_a_smaller_terminal(self):
        terminal = self.terminal()
        terminal.wait_for("lcore 1")
        terminal.screen.resize(8, 40)
        terminal.child.setwinsize(8, 40)
        terminal.wait_for("lines more")
        terminal.child.send("q")
        self.assertEqual(terminal.end(), 0)

    def test_a_run_that_ends(self):
        terminal = self.terminal("--duration=1")
        self.assertEqual(terminal.end(), 0)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            terminal = self.terminal()
            terminal.wait_for("lcore 1")
            terminal.child.kill(number)
            self.assertEqual(terminal.end(), 0)
        terminal = self.terminal()
        terminal.wait_for("lcore 1")
        terminal.child.sendintr()
        self.assertEqual(terminal.end(), 0)

    def test_no_terminal(self):
        run = self.run_testbab("--top", "--duration=2.5", eal=None)
        self.assert_good(run)
        self.assertGreaterEqual(sum("msg/s" in line and "msg/frame" in line for line in run.stdout.splitlines()), 2)
        self.assertNotIn("\x1b", run.stdout)

    def test_a_terminal_that_nobody_knows(self):
        terminal = self.terminal("--duration=1.5", term="no-such-terminal")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn(b"[1 bus]", terminal.seen)

    def test_refusals(self):
        self.assert_refused(self.run_testbab("--top", report="-", eal=None), "--top", "--json")
        self.assert_refused(self.run_testbab("--top", "--stats-period=1", eal=None), "--top", "--stats-period")
        self.assert_refused(self.run_testbab("--top", "-i", eal=None), "--top", "--interactive")


if __name__ == "__main__":
    tap.main()
