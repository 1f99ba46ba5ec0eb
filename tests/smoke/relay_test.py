#!/usr/bin/python3
"""`testbab --forward-mode=relay` over captures of our own: small frames in, large frames out, messages unchanged."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import moldudp64
import pcapfile
import tap
import tshark
from captures import Stream, small_messages
from smoke_case import SmokeCase

SESSIONS = {moldudp64.session_name(captures.DAY), captures.NIGHT}
PATIENT = "--max-delay-us=1000000"  # no frame leaves because its time has come


class ManySmall(SmokeCase):
    """400 frames of two sessions, with and without a VLAN tag."""

    def repack(self, mtu, *app):
        samples = captures.many_small()
        run, frames = self.relay(captures.frames(samples), f"--mtu={mtu}", *app)
        self.assert_good(run)
        return samples, run, self.assert_stream(frames, captures.messages(samples), mtu)

    def test_every_message_in_order_in_few_frames(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                samples, run, out = self.repack(mtu)
                bus, port = run.report["bus"], run.report["ports"][0]
                messages = captures.messages(samples)
                self.assertEqual((bus["frames_in"], bus["frames_out"]), (len(samples), len(out)))
                self.assertEqual((bus["messages_in"], bus["messages_out"]), (len(messages), len(messages)))
                size = sum(map(len, messages))
                self.assertEqual((bus["bytes_in"], bus["bytes_out"]), (size, size))
                self.assertEqual((port["rx_frames"], port["rx_bytes"]),
                                 (len(samples), sum(len(sample.frame) for sample in samples)))
                self.assertEqual((port["tx_frames"], port["tx_bytes"]), (len(out), sum(frame.length for frame in out)))
                self.assertEqual((port["mtu"], port["driver"], port["name"]), (mtu, "net_pcap", "net_pcap0"))
                self.assertEqual(self.drops(run.report), {})
                self.assertLess(len(out), len(samples) // 5)

    def test_frames_are_as_full_as_the_mtu_allows(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                _, _, out = self.repack(mtu, PATIENT)
                self.assertGreater(len(out), 1)
                self.assert_full(out, mtu)

    def test_session_is_its_own(self):
        _, _, out = self.repack(1500)
        name = out[0].session
        self.assertNotIn(name, SESSIONS)
        self.assertTrue(name.decode("ascii").isprintable(), name)

    def test_session_is_the_one_given(self):
        _, _, out = self.repack(1500, "--session=OURS")
        self.assertEqual(out[0].session, b"OURS      ")

    def test_one_frame_a_burst(self):
        self.repack(1500, "--burst=1")

    def test_no_mempool_cache(self):
        self.repack(1500, "--mbcache=0")

    @unittest.skipIf(tshark.ABSENT, tshark.ABSENT)
    def test_tshark_decodes_every_packet(self):
        for mtu in 1500, 9000:
            with self.subTest(mtu=mtu):
                self.assert_tshark_agrees(self.repack(mtu)[2])


class Forms(SmokeCase):
    def test_every_good_form_is_taken(self):
        samples = captures.every_good_form()
        run, frames = self.relay(captures.frames(samples))
        self.assert_good(run)
        self.assertEqual(self.drops(run.report), {})
        self.assertEqual(run.report["bus"]["frames_in"], len(samples))
        out = self.assert_stream(frames, captures.messages(samples), 1500)
        if not tshark.ABSENT:
            self.assert_tshark_agrees(out)

    def test_wrong_frames_do_not_harm_their_neighbours(self):
        good, wrong = iter(captures.many_small()), captures.wrong()
        samples = [sample for bad in wrong for sample in (next(good), bad, next(good))]
        run, frames = self.relay(captures.frames(samples))
        self.assert_good(run)
        self.assert_stream(frames, captures.messages(samples), 1500)
        self.assertEqual(sum(self.drops(run.report).values()), len(wrong), run.report["drops"])

    def test_nothing_comes(self):
        run, frames = self.relay([])
        self.assert_good(run)
        self.assertEqual(frames, [])
        self.assertEqual((run.report["bus"]["frames_in"], run.report["bus"]["frames_out"]), (0, 0))

    def test_nothing_of_ours_comes(self):
        wrong = captures.wrong()
        run, frames = self.relay(captures.frames(wrong))
        self.assert_good(run)
        self.assertEqual(frames, [])
        self.assertEqual(run.report["bus"]["messages_in"], 0)
        self.assertEqual(sum(self.drops(run.report).values()), len(wrong))

    def test_a_flood_of_foreign_frames_does_not_keep_it_from_stopping(self):
        run = self.run_testbab("--forward-mode=relay", "--duration=1", vdevs=["net_null0"], timeout=15)
        self.assert_good(run)
        self.assertEqual(self.drops(run.report).keys(), {"not_ip"})

    def test_heartbeats_and_ends_carry_nothing(self):
        stream = Stream(captures.DAY)
        run, frames = self.relay([stream.heartbeat().frame, stream.end().frame, stream.heartbeat().frame])
        self.assert_good(run)
        self.assertEqual(frames, [])
        self.assertEqual((run.report["bus"]["frames_in"], self.drops(run.report)), (3, {}))

    def test_sequence_numbers_are_not_judged(self):
        messages = small_messages(30, 8, 40, 11)
        frames = [Stream(captures.DAY, sequence).frame(messages[at:at + 2])
                  for at, sequence in zip(range(0, 30, 2), [900, 1, 1, 7, 2**64 - 1, 0, 40, 3, 3, 3, 5, 4, 3, 2, 1])]
        run, out = self.relay(frames)
        self.assert_good(run)
        self.assert_stream(out, messages, 1500)


class Sizes(SmokeCase):
    def test_jumbo_frames_become_smaller_ones(self):
        stream = Stream(captures.DAY)
        messages = small_messages(600, 8, 200, 12)
        frames = [stream.frame(messages[at:at + 60]) for at in range(0, 600, 60)]
        self.assertGreater(max(map(len, frames)), 5000)
        run, out = self.relay(frames, "--mtu=1500", "--mbuf-size=9500", PATIENT)
        self.assert_good(run)
        self.assert_full(self.assert_stream(out, messages, 1500), 1500)

    def test_largest_messages_of_a_jumbo_frame(self):
        stream = Stream(captures.DAY)
        messages = small_messages(20, 8950, 8950, 13)
        run, out = self.relay([stream.frame([message]) for message in messages], "--mtu=9000")
        self.assert_good(run)
        self.assertEqual([frame.ip_length for frame in self.assert_stream(out, messages, 9000)], [9000] * 20)

    def test_a_message_too_long_for_the_way_out_is_counted(self):
        stream = Stream(captures.DAY)
        messages = small_messages(3, 20, 20, 14)
        frames = [stream.frame([messages[0]]), stream.frame([messages[1], b"l" * 1451, messages[2]]),
                  stream.frame([b"f" * 1450])]
        run, out = self.relay(frames, "--mtu=1500", "--mbuf-size=9500")
        self.assert_ended(run, 1)  # a loss of bab's own
        self.assertEqual(run.report["drops"]["too_long"], 1)
        self.assert_stream(out, messages + [b"f" * 1450], 1500)


class Ports(SmokeCase):
    def test_in_at_one_port_out_at_the_other(self):
        samples = captures.many_small()
        pcapfile.write(self.path("in.pcap"), captures.frames(samples))
        run, frames = self.relay(captures.frames(samples), vdevs=[
            f"net_pcap0,rx_pcap={self.path('in.pcap')}", f"net_pcap1,tx_pcap={self.path('out.pcap')}"])
        self.assert_good(run)
        self.assert_stream(frames, captures.messages(samples), 1500)
        self.assertEqual([(port["name"], port["rx_frames"], port["tx_frames"]) for port in run.report["ports"]],
                         [("net_pcap0", len(samples), 0), ("net_pcap1", 0, len(frames))])

    def test_only_the_udp_port_asked_for(self):
        ours, theirs = Stream(captures.DAY), Stream(captures.NIGHT, dst_port=captures.OTHER_PORT)
        messages = small_messages(20, 8, 20, 15)
        frames = [(ours if at % 2 else theirs).frame([message]) for at, message in enumerate(messages)]
        run, out = self.relay(frames, f"--rx-udp-port={captures.PORT}")
        self.assert_good(run)
        self.assertEqual(self.drops(run.report), {"other_port": 10})
        self.assert_stream(out, messages[1::2], 1500)


class Verification(SmokeCase):
    """Frames whose only fault is a checksum."""

    def setUp(self):
        super().setUp()
        stream, self.messages = Stream(captures.DAY), small_messages(30, 8, 40, 16)
        faults = {}, {"ip_checksum": 0}, {"udp_checksum": 1}
        self.frames = [stream.frame([message], **faults[at % 3]) for at, message in enumerate(self.messages)]

    def test_on_unless_told_otherwise(self):
        for way in (), ("--rx-checksum=auto",), ("--rx-checksum=sw",):
            with self.subTest(way=way):
                run, out = self.relay(self.frames, *way)
                self.assert_good(run)
                self.assertEqual(self.drops(run.report), {"bad_ip_checksum": 10, "bad_udp_checksum": 10})
                self.assert_stream(out, self.messages[::3], 1500)

    def test_off(self):
        run, out = self.relay(self.frames, "--rx-checksum=off")
        self.assert_good(run)
        self.assertEqual(self.drops(run.report), {})
        self.assert_stream(out, self.messages, 1500)


if __name__ == "__main__":
    tap.main()
