#!/usr/bin/python3
"""A day at NASDAQ: relay and rxonly over real captures, which the project doesn't ship (see testbab.SHARED_DATA)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import moldudp64
import pcapfile
import tap
import testbab
import tshark
from smoke_case import SmokeCase

NASDAQ = os.path.join(testbab.SHARED_DATA, "nasdaq-totalview.pcap")
OTHERS = os.path.join(testbab.SHARED_DATA, "other-protocols.pcap")


def needs(path):
    return unittest.skipUnless(os.path.exists(path), f"no capture {os.path.basename(path)} in BAB_SHARED_DATA or "
                                                     "../shared/data")


@needs(NASDAQ)
class Nasdaq(SmokeCase):
    """80 frames, of which 71 were anonymised by their publisher and have an IPv4 checksum of 0."""

    def setUp(self):
        super().setUp()
        self.raw = pcapfile.read(NASDAQ)
        self.input = [moldudp64.parse(frame) for frame in self.raw]
        self.assertEqual((len(self.input), len(self.messages())), (80, 117))

    def messages(self, verified=False):
        return [message for frame in self.input for message in frame.messages
                if not verified or frame.ip_checksum == "good"]

    def repack(self, *app, wanted, mtu):
        run, frames = self.relay(self.raw, f"--mtu={mtu}", *app, idle_ms=500)
        self.assert_good(run)
        out = self.assert_stream(frames, wanted, mtu)
        self.assertFalse({frame.session for frame in out} & {frame.session for frame in self.input})
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["messages_out"]), (len(wanted), len(wanted)))
        self.assertEqual(run.report["ports"][0]["rx_frames"], 80)
        self.assertEqual(bus["frames_out"], len(out))
        return run, out

    def test_unverified_at_mtu_9000(self):
        run, out = self.repack("--rx-checksum=off", mtu=9000, wanted=self.messages())
        self.assertEqual((run.report["bus"]["frames_in"], self.drops(run.report)), (80, {}))
        self.assertLessEqual(len(out), 10)

    def test_unverified_at_mtu_1500(self):
        run, out = self.repack("--rx-checksum=off", mtu=1500, wanted=self.messages())
        self.assertEqual((run.report["bus"]["frames_in"], self.drops(run.report)), (80, {}))
        self.assertLessEqual(len(out), 13)

    def test_verified(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                wanted = self.messages(verified=True)
                self.assertEqual(len(wanted), 46)
                run, out = self.repack(mtu=mtu, wanted=wanted)
                self.assertEqual((run.report["bus"]["frames_in"], self.drops(run.report)), (9, {"bad_ip_checksum": 71}))
                self.assertLess(len(out), 9)

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_tshark_decodes_every_packet(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                _, out = self.repack("--rx-checksum=off", mtu=mtu, wanted=self.messages())
                self.assert_tshark_agrees(out)

    def test_rxonly_sees_the_gaps(self):
        """The samples were taken minutes apart: what is missing between them is no loss of bab's."""
        run = self.rxonly(self.raw, "--rx-checksum=off")
        self.assert_good(run)
        bus = run.report["bus"]
        self.assertEqual((bus["frames_in"], bus["messages_in"]), (80, 117))
        self.assertGreater(bus["missing"], 0)


@needs(OTHERS)
class OtherProtocols(SmokeCase):
    """9 frames of UDP and 15 of TCP, one of them of 8,280 bytes."""

    def setUp(self):
        super().setUp()
        self.raw = pcapfile.read(OTHERS)
        self.assertEqual(len(self.raw), 24)

    def assert_all_turned_away(self, run, *, largest_fits):
        self.assert_good(run)
        self.assertEqual((run.report["bus"]["frames_in"], run.report["bus"]["messages_in"]), (0, 0))
        drops = self.drops(run.report)
        in_pieces = drops.pop("multi_segment", 0)
        self.assertEqual(drops, {"malformed": 9, "not_udp": 15 - in_pieces})
        self.assertLessEqual(in_pieces, 0 if largest_fits else 1)

    def test_relay_turns_all_away(self):
        for way in (), ("--rx-checksum=off",):
            for mtu in 1500, 9000:
                with self.subTest(way=way, mtu=mtu):
                    run, out = self.relay(self.raw, f"--mtu={mtu}", *way)
                    self.assert_all_turned_away(run, largest_fits=mtu == 9000)
                    self.assertEqual((out, run.report["bus"]["frames_out"]), ([], 0))

    def test_rxonly_turns_all_away(self):
        self.assert_all_turned_away(self.rxonly(self.raw, "--mtu=9000"), largest_fits=True)


if __name__ == "__main__":
    tap.main()
