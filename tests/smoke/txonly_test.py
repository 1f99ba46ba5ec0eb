#!/usr/bin/python3
"""`testbab --forward-mode=txonly`, judged frame by frame. Then rxonly reads its file, whole and damaged."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import moldudp64
import tap
import testbab
import tshark
from smoke_case import SmokeCase

UNVERIFIED = "--rx-checksum=off"


class Generates(SmokeCase):
    def generate(self, count, mtu, *app):
        """As many messages as asked for, in right frames. Gives the parsed frames."""
        run, frames = self.txonly(f"--count={count}", f"--mtu={mtu}", *app)
        self.assert_good(run)
        messages = [message for frame in frames for message in moldudp64.parse(frame).messages]
        parsed = self.assert_stream(frames, messages, mtu)
        bus = run.report["bus"]
        self.assertEqual((len(messages), bus["messages_out"], bus["frames_out"]), (count, count, len(frames)))
        self.assertEqual(bus["bytes_out"], sum(map(len, messages)))
        port = run.report["ports"][0]
        self.assertEqual((port["tx_frames"], port["tx_bytes"]), (len(frames), sum(map(len, frames))))
        return parsed

    def sizes(self, parsed):
        return {len(message) for frame in parsed for message in frame.messages}

    def test_fixed_sizes(self):
        for size in 0, 1, 32, 1450:
            with self.subTest(size=size):
                self.assertEqual(self.sizes(self.generate(1000, 1500, f"--msg-size={size}")), {size})

    def test_every_size_of_a_range(self):
        self.assertEqual(self.sizes(self.generate(5000, 9000, "--msg-size=20-40")), set(range(20, 41)))

    def test_a_range_down_to_nothing(self):
        self.assertEqual(self.sizes(self.generate(2000, 1500, "--msg-size=0-8")), set(range(9)))

    def test_the_largest_jumbo_message(self):
        self.assertEqual(self.sizes(self.generate(50, 9000, "--msg-size=8950")), {8950})

    def test_a_bond_is_one_port(self):
        """Not its members: what they send is the bond's, and theirs to count."""
        member = "member" if testbab.dpdk() >= (23, 11) else "slave"
        vdevs = [f"net_bonding0,mode=1,{member}=net_null0,{member}=net_null1", "net_null0", "net_null1"]
        run = self.run_testbab("--forward-mode=txonly", "--count=1000", vdevs=vdevs)
        self.assert_good(run)
        self.assertEqual([port["name"] for port in run.report["ports"]], ["net_bonding0"])
        self.assertEqual(run.report["bus"]["messages_out"], 1000)

    def test_one_message(self):
        self.assertEqual(len(self.generate(1, 9000, "--msg-size=32")), 1)

    def test_frames_are_full(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                self.assert_full(self.generate(5000, mtu, "--msg-size=60-70", "--max-delay-us=1000000"), mtu)

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_tshark_decodes_every_packet(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                self.assert_tshark_agrees(self.generate(3000, mtu, "--msg-size=0-100"))

    def test_stops_in_time(self):
        run = self.run_testbab("--forward-mode=txonly", "--duration=1", vdevs=["net_null0"], timeout=15)
        self.assert_good(run)
        self.assertGreater(run.report["bus"]["messages_out"], 1000)
        self.assertTrue(0.9 <= run.report["seconds"] <= 3, run.report["seconds"])


class RoundTrip(SmokeCase):
    """Frames are sent into a file and received from it."""

    def send(self, *app, count=2000):
        run, frames = self.txonly(f"--count={count}", *app)
        self.assert_good(run)
        return frames

    def assert_arrives(self, frames, count, *app):
        run = self.rxonly(frames, *app)
        self.assert_good(run)
        self.assertEqual((run.report["bus"]["messages_in"], self.drops(run.report)), (count, {}))

    def test_nothing_lost_nothing_corrupt(self):
        for size in "0", "1", "32", "0-100", "1450":
            with self.subTest(size=size):
                self.assert_arrives(self.send(f"--msg-size={size}", "--mtu=1500"), 2000, "--mtu=1500")

    def test_jumbo_frames_with_a_vlan_tag(self):
        frames = self.send("--msg-size=64", "--mtu=9000", "--vlan=100")
        self.assert_arrives(frames, 2000, "--mtu=9000")

    def test_through_the_relay(self):
        frames = self.send("--msg-size=20-40", "--mtu=1500")
        run, relayed = self.relay(frames, "--mtu=9000")
        self.assert_good(run)
        self.assertLess(len(relayed), len(frames))
        self.assert_arrives(relayed, 2000, "--mtu=9000")


class Damage(SmokeCase):
    """A changed file of txonly's must not pass as whole."""

    frames = None  # made once, for all cases

    def setUp(self):
        super().setUp()
        if not self.frames:
            run, Damage.frames = self.txonly("--count=1000", "--msg-size=32", "--mtu=1500")
            self.assert_good(run)

    def receive(self, frames, *app):
        run = self.rxonly(frames, *app)
        self.assert_ended(run, 1)
        return run.report["bus"], self.drops(run.report)

    def flipped(self):
        """The frames with a bit flipped in the first message of frame 5."""
        frame = bytearray(self.frames[5])
        frame[14 + 48 + 2 + 16] ^= 1
        return self.frames[:5] + [bytes(frame)] + self.frames[6:]

    def test_a_flipped_bit_is_corruption(self):
        bus, drops = self.receive(self.flipped(), UNVERIFIED)
        self.assertEqual((bus["corrupt"], bus["lost"], bus["messages_in"], drops), (1, 0, 1000, {}))

    def test_every_byte_of_a_message_is_checked(self):
        """Each changed byte is in another message: 32 faults, 32 corrupt messages."""
        frame = bytearray(self.frames[3])
        for byte in range(32):
            frame[14 + 48 + byte * (2 + 32) + 2 + byte] ^= 0x80
        bus, _ = self.receive(self.frames[:3] + [bytes(frame)] + self.frames[4:], UNVERIFIED)
        self.assertEqual((bus["corrupt"], bus["lost"]), (32, 0))

    def test_two_messages_that_change_places(self):
        frame = bytearray(self.frames[2])
        first, second = 14 + 48 + 2, 14 + 48 + 2 + 32 + 2
        frame[first:first + 32], frame[second:second + 32] = frame[second:second + 32], frame[first:first + 32]
        bus, _ = self.receive(self.frames[:2] + [bytes(frame)] + self.frames[3:], UNVERIFIED)
        self.assertEqual((bus["corrupt"], bus["lost"]), (2, 0))

    def test_a_flipped_bit_is_a_bad_checksum_when_verified(self):
        bus, drops = self.receive(self.flipped())
        lost = moldudp64.parse(self.frames[5]).count
        self.assertEqual((bus["corrupt"], bus["lost"], drops), (0, lost, {"bad_udp_checksum": 1}))

    def test_a_missing_frame_is_loss(self):
        bus, _ = self.receive(self.frames[:5] + self.frames[6:])
        self.assertEqual((bus["corrupt"], bus["lost"]), (0, moldudp64.parse(self.frames[5]).count))

    def test_a_missing_tail_is_loss_once_a_heartbeat_shows_it(self):
        first, last = moldudp64.parse(self.frames[0]), moldudp64.parse(self.frames[-1])
        heartbeat = moldudp64.frame(moldudp64.heartbeat(first.session, 1001))
        bus, _ = self.receive(self.frames[:-1] + [heartbeat])
        self.assertEqual((bus["corrupt"], bus["lost"]), (0, last.count))

    def test_a_truncated_frame_is_loss(self):
        bus, drops = self.receive(self.frames[:5] + [self.frames[5][:-1]] + self.frames[6:])
        self.assertEqual((bus["lost"], drops), (moldudp64.parse(self.frames[5]).count, {"truncated": 1}))


if __name__ == "__main__":
    tap.main()
