#!/usr/bin/python3
"""`testbab --forward-mode=rxonly`: good frames, drops by reason, and gaps."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import tap
import testbab
from captures import Stream, small_messages
from smoke_case import SmokeCase, count_by_reason


class Takes(SmokeCase):
    def test_every_good_form(self):
        samples = captures.every_good_form()
        run = self.rxonly(captures.frames(samples))
        self.assert_good(run)
        bus, messages = run.report["bus"], captures.messages(samples)
        self.assertEqual(self.drops(run.report), {})
        self.assertEqual((bus["frames_in"], bus["messages_in"], bus["bytes_in"]),
                         (len(samples), len(messages), sum(map(len, messages))))
        self.assertEqual((bus["frames_out"], bus["messages_out"]), (0, 0))
        self.assertEqual(run.report["ports"][0]["rx_bytes"], sum(len(sample.frame) for sample in samples))

    def test_one_session_after_another(self):
        samples = captures.one_after_another()
        run = self.rxonly(captures.frames(samples))
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["messages_in"], len(captures.messages(samples)))

    def test_nothing_comes(self):
        run = self.rxonly([])
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["messages_in"], 0)


class FewBuffers(SmokeCase):
    """Fewer buffers than descriptors: enough for a software port, which holds none."""

    def test_of_devices_that_hold_none(self):
        for vdev in "net_null0", "net_ring0":
            with self.subTest(vdev=vdev):
                run = self.run_testbab("--forward-mode=rxonly", "--total-num-mbufs=500", "--duration=0.1", vdevs=[vdev])
                self.assertEqual(run.status, 0, run)
                self.assertEqual(run.report["ports"][0]["rx_buffers"]["held"], 0, run)


class Drops(SmokeCase):
    """Each kind of wrong frame between good ones, which all arrive. More cases are made below, one a reason."""

    def drop(self, reasons):
        wrong = [sample for sample in captures.wrong() if reasons == sample.reasons]
        self.assertTrue(wrong)
        stream, messages = Stream(captures.DAY), iter(small_messages(len(wrong) * 2, 8, 40, 20))
        frames = [frame for bad in wrong
                  for frame in (stream.frame([next(messages)]), bad.frame, stream.frame([next(messages)]))]
        run = self.rxonly(frames)
        self.assert_good(run)
        self.assertEqual(run.report["ports"][0]["rx_frames"], len(frames))
        self.assertEqual(run.report["bus"]["messages_in"], len(wrong) * 2)
        drops = self.drops(run.report)
        self.assertLessEqual(drops.keys(), set(reasons), [bad.name for bad in wrong])
        self.assertEqual(sum(drops.values()), len(wrong), [bad.name for bad in wrong])

    def test_multi_segment(self):
        stream = Stream(captures.DAY)
        frames = [stream.frame([b"before"]), Stream(captures.NIGHT).frame([bytes(1000)] * 4), stream.frame([b"after"])]
        run = self.rxonly(frames, "--mbuf-size=2176", "--mtu=1500")
        self.assert_good(run)
        self.assertEqual(self.drops(run.report), {"multi_segment": 1})
        self.assertEqual(run.report["bus"]["messages_in"], 2)

    def test_other_port(self):
        samples = captures.one_after_another()
        run = self.rxonly(captures.frames(samples), f"--rx-udp-port={captures.OTHER_PORT}")
        self.assert_good(run)
        self.assertEqual((self.drops(run.report), run.report["bus"]["messages_in"]), ({"other_port": len(samples)}, 0))

    def test_a_flood_of_foreign_frames(self):
        """net_null receives frames of zeros as fast as they are asked for."""
        run = self.run_testbab("--forward-mode=rxonly", "--duration=1", vdevs=["net_null0"], timeout=15)
        self.assert_good(run)
        drops = self.drops(run.report)
        self.assertEqual((drops.keys(), run.report["bus"]["messages_in"]), ({"not_ip"}, 0))
        self.assertEqual(run.report["ports"][0]["rx_frames"], drops["not_ip"])


def drop_case(reasons):
    return lambda self: self.drop(reasons)


for kind in count_by_reason(captures.wrong()):
    setattr(Drops, "test_" + "_or_".join(kind), drop_case(kind))


class Gaps(SmokeCase):
    """Messages that are missing in streams of others were lost before they came here: counted, but no loss of bab's."""

    def setUp(self):
        super().setUp()
        self.samples = captures.one_after_another()

    def assert_missing(self, frames, count, gaps):
        run = self.rxonly(frames)
        self.assert_good(run)
        self.assertEqual((run.report["bus"]["missing"], run.report["bus"]["gaps"]), (count, gaps), run)

    def test_none(self):
        self.assert_missing(captures.frames(self.samples), 0, 0)

    def test_none_between_sessions_in_turn(self):
        self.assert_missing(captures.frames(captures.many_small()), 0, 0)

    def test_a_frame_in_the_middle(self):
        frames = captures.frames(self.samples)
        self.assert_missing(frames[:10] + frames[11:], 2, 1)

    def test_frames_in_both_sessions(self):
        frames = captures.frames(self.samples)
        self.assert_missing(frames[:10] + frames[13:70] + frames[71:], 8, 2)

    def test_a_frame_that_comes_late_is_not_missing(self):
        frames = captures.frames(self.samples)
        self.assert_missing(frames[:10] + frames[11:13] + frames[10:11] + frames[13:], 0, 1)

    def test_the_tail_which_the_end_of_session_shows(self):
        frames = captures.frames(self.samples)
        self.assert_missing(frames[:48] + frames[50:], 4, 1)

    def test_the_tail_which_a_heartbeat_shows(self):
        stream = Stream(captures.DAY)
        first = stream.frame([b"one", b"two"])
        stream.frame([b"three", b"four", b"five"])
        self.assert_missing([first, stream.heartbeat().frame], 3, 1)


class Signals(SmokeCase):
    def test_waits_for_frames_until_told_to_stop(self):
        process = self.start("--forward-mode=rxonly", "--stats-period=1",
                             vdevs=[f"net_pcap0,tx_pcap={self.path('unused.pcap')}"])
        self.assertTrue(process.wait_until_it_says(lambda said: any(at > 1 for at, _, _ in said)), process.said)
        process.send(testbab.signal.SIGTERM)
        run = process.finish()
        self.assert_good(run)


if __name__ == "__main__":
    tap.main()
