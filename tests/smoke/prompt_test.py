#!/usr/bin/python3
"""testbab at the prompt, as a person's fingers and terminal treat it."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import pcapfile
import tap
from prompt import PROMPT, Prompt
from smoke_case import SmokeCase
from testbab import PLAIN_EAL

ENGINES = {  # what each runs on without an end
    "loop": None, "flowgen": None, "ping": None,
    "txonly": ["net_null0"],
    "rxonly": ["net_pcap0,rx_pcap={in},infinite_rx=1"],
    "relay": ["net_pcap0,rx_pcap={in},infinite_rx=1", "net_null0"],
    "echo": ["net_pcap0,rx_pcap={in},infinite_rx=1,tx_pcap=/dev/null"],
    "null": ["net_pcap0,rx_pcap={in},infinite_rx=1"],
}


class AtThePrompt(SmokeCase):
    def open(self, *app, **options):
        prompt = Prompt(*app, directory=self.directory, **options)
        self.addCleanup(prompt.close)
        return prompt

    def assert_good_box(self, text):
        self.assertRegex(text, r"NIC statistics|statistics for port 0", text)
        self.assertIn("good: every message accounted for, every buffer back", text)
        self.assertNotIn("FAULT", text)
        self.assertNotIn("≠", text)

    def assert_quits(self, prompt, status=0):
        prompt.keys("quit\r")
        self.assertEqual(prompt.end(), status)


class Editing(AtThePrompt):
    def test_completion(self):
        prompt = self.open()
        prompt.keys("sh\tco\trx\t\r")
        prompt.expect("packets/burst=32")
        prompt.answer()
        prompt.keys("set fwd fl\t\r")
        prompt.expect("Set flowgen packet forwarding mode")
        prompt.answer()
        self.assert_quits(prompt)

    def test_completion_lists_what_may_come(self):
        prompt = self.open()
        prompt.keys("show bus \t")
        said = prompt.answer()
        for word in "stats", "ledger", "pools", "writers", "lcores", "latency":
            self.assertEqual(said.count(f"\n {word} "), 1, said)
        self.assertNotIn("port", said)
        prompt.keys("\x03")
        prompt.answer()
        prompt.keys("set fwd \t")
        said = prompt.answer()
        for engine in ENGINES:
            self.assertIn(f"\n {engine} ", said)

    def test_help_by_key(self):
        prompt = self.open()
        prompt.keys("set burst ?")
        self.assertIn("[N]", prompt.answer())

    def test_history(self):
        prompt = self.open()
        prompt.say("set burst 7")
        prompt.say("set burst 8")
        prompt.keys("\x1b[A\x1b[A\r")
        prompt.expect("per burst set to 7")
        prompt.answer()
        prompt.keys("\x1b[A\x1b[A\x1b[B\r")
        prompt.expect("per burst set to 7")
        prompt.answer()
        self.assert_quits(prompt)

    def test_line_editing(self):
        prompt = self.open()
        prompt.keys("sow config cores\x01\x1b[Ch\r")  # to the beginning, one to the right, h
        prompt.expect("List of forwarding lcores")
        prompt.answer()
        prompt.keys("help nonsense\x17stop\r")  # the last word goes
        self.assertIn("stop the engine", prompt.answer())

    def test_ctrl_c_clears_the_line(self):
        prompt = self.open()
        prompt.say("start")
        prompt.keys("quit")
        prompt.expect("quit")  # Ctrl-C throws away what isn't read yet
        prompt.interrupt()
        self.assertIn('"running":true', prompt.say("show config fwd json"), "the engine goes on")
        self.assert_quits(prompt)

    def test_ctrl_c_on_an_empty_line_without_an_engine(self):
        prompt = self.open()
        for _ in range(3):
            prompt.interrupt()
        self.assert_quits(prompt)

    def test_ctrl_c_again_and_again(self):
        """A second one, long after the first, is an answer to it no more."""
        prompt = self.open()
        prompt.interrupt()
        time.sleep(2.3)
        prompt.interrupt()
        self.assert_quits(prompt)

    def test_ctrl_d(self):
        prompt = self.open()
        prompt.say("start")
        prompt.keys("\x04")
        prompt.expect("good:")
        self.assertEqual(prompt.end(), 0)

    def test_a_long_line(self):
        prompt = self.open()
        self.assertIn("set burst", prompt.say("set burst " + "1" * 400))
        prompt.keys("x" * 2000 + "\r")  # what doesn't fit is left out
        self.assertIn("and one has at most 510", prompt.answer())
        self.assert_quits(prompt)

    def test_the_terminal_is_given_back_as_it_was(self):
        prompt = self.open()
        self.assertFalse(prompt.child.getecho())
        prompt.keys("quit\r")
        prompt.expect("\n")
        self.assertTrue(prompt.child.waitnoecho(0) or prompt.child.getecho())
        self.assertEqual(prompt.end(), 0)


class Engines(AtThePrompt):
    def test_ctrl_c_in_each_engine(self):
        stream = captures.Stream("STOPPED")
        pcapfile.write(self.path("in.pcap"), [stream.frame([bytes(18)]) for _ in range(500)])
        for engine, vdevs in ENGINES.items():
            with self.subTest(engine=engine):
                ports = {} if vdevs is None else {
                    "eal": PLAIN_EAL, "vdevs": [vdev.replace("{in}", self.path("in.pcap")) for vdev in vdevs]}
                prompt = self.open(f"--forward-mode={engine}", **ports)
                self.assertEqual(prompt.say("start"), "")
                self.assertIn("start: " + engine, prompt.say("start"))
                time.sleep(0.1)
                self.assert_good_box(prompt.interrupt())
                self.assertEqual(prompt.say("start"), "", "it starts again")
                self.assert_good_box(prompt.say("stop"))
                self.assert_quits(prompt)

    def test_a_run_that_ends_by_itself(self):
        prompt = self.open("--count=1000")
        prompt.keys("start\r")
        prompt.expect("messages generated 1000 = 1000 sent")
        prompt.expect(PROMPT)
        self.assertIn("nothing runs", prompt.say("stop"))
        self.assert_quits(prompt)

    def test_live_rates_leave_the_line_as_it_is(self):
        prompt = self.open()
        prompt.say("set verbose 1")
        prompt.say("start")
        prompt.keys("show po")
        prompt.expect("msg/s")
        prompt.expect("testbab> show po")
        prompt.keys("rt summary all\r")
        prompt.expect("Number of available ports: 1")
        prompt.answer()
        self.assert_quits(prompt)

    def test_auto_start(self):
        prompt = self.open("-a")
        self.assertIn('"running":true', prompt.say("show config fwd json"))
        self.assert_quits(prompt)


class Terminals(AtThePrompt):
    def test_resize(self):
        prompt = self.open()
        prompt.say("start")
        for rows, columns in (10, 20), (1, 1), (100, 300):
            prompt.child.setwinsize(rows, columns)
            self.assertIn("Number of packets", prompt.say("set burst 16"))
        self.assert_quits(prompt)

    def test_a_terminal_that_goes_away(self):
        for running in False, True:
            with self.subTest(running=running):
                prompt = self.open(f"--json={self.path('report.json')}")
                if running:
                    prompt.say("start")
                prompt.hang_up()
                self.assertEqual(self.wait_for(prompt.child.pid), 0)
                self.assertTrue(os.path.getsize(self.path("report.json")) > 0)

    def test_sigterm_and_sighup(self):
        for number in signal.SIGTERM, signal.SIGHUP:
            with self.subTest(signal=number.name):
                prompt = self.open()
                prompt.say("start")
                prompt.child.kill(number)
                prompt.expect("good:")
                self.assertEqual(prompt.end(), 0)

    def wait_for(self, pid):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return "hung"


if __name__ == "__main__":
    # A shell's background job has it ignored, and so would a prompt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tap.main()
