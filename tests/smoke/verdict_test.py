#!/usr/bin/python3
"""The last words of a run: good, good but …, or FAULT. Nothing is called good that isn't."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import moldudp64
import pcapfile
import tap
import testbab
from smoke_case import SmokeCase


def frame(*messages, session="SESSION", sequence=1, **fields):
    return moldudp64.frame(moldudp64.packet(session, sequence, messages), **fields)


class Verdict(SmokeCase):
    def reservation(self, frames, *app):
        """The one that a receiver of these frames has."""
        run = self.rxonly(frames, *app)
        self.assertEqual(run.status, 0, run)
        self.assertEqual(run.report["verdict"]["grade"], "good_but", run)
        sentence, = run.report["verdict"]["reservations"]
        self.assertIn(f"  good, but {sentence}\n", run.stdout)
        self.assertNotIn("every message accounted for", run.stdout)
        return sentence

    def test_strict(self):
        """Exit code 3 for what is good but …; 0 for good and 1 for a fault, as ever."""
        pcapfile.write(self.path("gap.pcap"), [frame(b"a"), frame(b"b", sequence=3)])
        vdevs = [f"net_pcap0,rx_pcap={self.path('gap.pcap')}"]
        self.assertEqual(self.rxonly([frame(b"a"), frame(b"b", sequence=3)], "--strict").status, 3)
        self.assertEqual(self.rxonly([frame(b"a")], "--strict").status, 0)
        script = self.path("script")
        with open(script, "w", encoding="utf-8") as file:
            file.write("start\nwait\n")
        for strict, status in ((), 0), (("--strict",), 3):
            run = self.run_testbab("--forward-mode=rxonly", "--idle-exit-ms=100", f"--cmdline-file={script}", *strict,
                                   vdevs=vdevs)
            self.assertEqual(run.status, status, run)

    def test_good(self):
        run = self.rxonly([frame(b"a")])
        self.assert_good(run)
        self.assertEqual(run.report["verdict"], {"grade": "good", "fault": "", "reservations": []})

    def test_wrong_checksums(self):
        wrong = bytearray(frame(b"abc"))
        wrong[-1] ^= 1
        self.assertRegex(self.reservation([bytes(wrong)] * 99),
                         "99 of 99 frames had a wrong UDP checksum: .*--rx-checksum=off, .*ethtool -K INTERFACE tx off")
        self.assert_good(self.rxonly([bytes(wrong)], "--rx-checksum=off"))

    def test_frames_that_were_cut(self):
        frames = [frame(b"a" * 50)[:-9] for _ in range(76)] + [frame(b"b", sequence=77)]
        self.assertIn("76 of 77 frames end before a length in their headers says", self.reservation(frames))

    def test_missing_messages(self):
        self.assertIn("50 messages are missing (1 gaps): they were lost before they came here",
                      self.reservation([frame(b"a"), frame(b"b", sequence=52)]))

    def test_nothing_that_was_meant(self):
        self.assertIn("none of the 2 frames that arrived was for it",
                      self.reservation([frame(b"a"), b"\0" * 60], "--rx-udp-port=9"))

    def test_a_file_that_libpcap_cannot_read_on(self):
        pcapfile.write(self.path("in.pcap"), [frame(b"a")])
        with open(self.path("in.pcap"), "ab") as file:
            file.write(b"\xff" * 16)  # a frame of 4 GB
        run = self.run_testbab("--forward-mode=rxonly", "--idle-exit-ms=200",
                               vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')}"])
        self.assertEqual(run.report["verdict"]["grade"], "good_but", run)
        self.assertIn("stopped in the middle of its file", run.stdout)

    def test_hundreds_of_sessions(self):
        """A gap in each is seen, whoever came before."""
        frames = [frame(b"a", session=f"S{i}", sequence=number) for i in range(500) for number in (1, 3)]
        self.assertIn("500 messages are missing (500 gaps)", self.reservation(frames))

    def test_own_messages_behind_many_sessions(self):
        """They are a fault however many sessions came before."""
        sent = self.path("sent.pcap")
        self.assert_good(self.run_testbab("--forward-mode=txonly", "--count=2000", "--mtu=1500",
                                          vdevs=[f"net_pcap0,tx_pcap={sent}"]))
        ours = pcapfile.read(sent)
        others = [frame(b"a", session=f"S{i}") for i in range(300)]
        run = self.rxonly(others + ours[:10] + ours[11:])
        self.assertEqual(run.status, 1, run)
        self.assertRegex(run.report["verdict"]["fault"], "^[0-9]+ messages lost$")

    def test_more_sessions_than_can_be_judged(self):
        frames = [frame(b"a", session=f"S{i}") for i in range(4100)]
        self.assertIn("4 messages of sessions beyond the 4096 that are judged", self.reservation(frames))


if __name__ == "__main__":
    tap.main()
