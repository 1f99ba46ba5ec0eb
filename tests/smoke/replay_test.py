#!/usr/bin/python3
"""Replays captures: all messages, in order, at the pace that is asked for."""

import os
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import moldudp64
import pcapfile
import pcapngfile
import tap
import testbab
from smoke_case import SmokeCase


def messages_of(frames):
    return [message for frame in frames for message in moldudp64.parse(frame).messages]


def frame(*messages, sequence=1, **fields):
    return moldudp64.frame(moldudp64.packet("SESSION", sequence, messages), **fields)


def write_timed(path, frames):
    """A pcap file of (seconds, frame)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for at, data in frames:
            file.write(struct.pack("<IIII", int(at), round(at % 1 * 1e6), len(data), len(data)) + data)


def times(path):
    """The times of a pcap file's frames, in seconds since the first one."""
    with open(path, "rb") as file:
        data = file.read()
    scale = 1e-9 if struct.unpack_from("<I", data)[0] == 0xa1b23c4d else 1e-6
    at, found = 24, []
    while at < len(data):
        seconds, part, length, _ = struct.unpack_from("<IIII", data, at)
        found.append(seconds + part * scale)
        at += 16 + length
    return [t - found[0] for t in found]


class Replay(SmokeCase):
    def replay(self, *app, source="in.pcap", vdevs=None):
        vdevs = vdevs or [f"net_pcap0,tx_pcap={self.path('out.pcap')}"]
        return self.run_testbab("--forward-mode=replay", f"--replay={self.path(source)}", *app, vdevs=vdevs)

    def sent(self):
        return messages_of(pcapfile.read(self.path("out.pcap")))

    def test_all_messages_in_order(self):
        texts = [bytes([i % 256]) * (i % 300) for i in range(500)]
        pcapfile.write(self.path("in.pcap"), [frame(*texts[i:i + 5], sequence=i + 1) for i in range(0, 500, 5)])
        run = self.replay("--speed=max")
        self.assert_good(run)
        self.assertEqual(self.sent(), texts)
        self.assertEqual(run.report["bus"]["messages_out"], 500)
        self.assertLess(run.report["bus"]["frames_out"], 100, "small messages share frames")

    def test_frames_that_were_cut(self):
        """Most of the capture can't be sent: that isn't good without a reservation."""
        frames = [frame(b"a" * 50, sequence=i + 1)[:-9] for i in range(76)] + [frame(b"b", sequence=77)]
        pcapfile.write(self.path("in.pcap"), frames)
        run = self.replay("--speed=max")
        self.assert_good(run)
        self.assertEqual(run.report["verdict"]["grade"], "good_but", run)
        sentence, = run.report["verdict"]["reservations"]
        self.assertIn("76 of 77 frames of the capture end before a length in their headers says", sentence)

    def test_rounds_and_count(self):
        pcapfile.write(self.path("in.pcap"), [frame(b"a", b"bb")])
        self.assert_good(self.replay("--repeat=3", "--speed=max"))
        self.assertEqual(self.sent(), [b"a", b"bb"] * 3)
        self.assert_good(self.replay("--repeat=0", "--count=5", "--speed=max"))
        self.assertEqual(self.sent(), [b"a", b"bb"] * 2 + [b"a"])

    def test_rounds_without_end(self):
        pcapfile.write(self.path("in.pcap"), [frame(b"a")])
        run = self.replay("--repeat=0", "--speed=max", "--duration=0.2", vdevs=["net_null0"])
        self.assert_good(run)
        self.assertGreater(run.report["bus"]["messages_out"], 1000)

    def test_pace(self):
        """Never earlier than recorded. How much later depends on the machine."""
        recorded = [0, 0.1, 0.15, 0.4]
        write_timed(self.path("in.pcap"), [(1000 + t, frame(str(t).encode())) for t in recorded])
        for speed in (1, 0.5, 4):
            with self.subTest(speed=speed):
                self.assert_good(self.replay(f"--speed={speed}", "--flush-messages=1"))
                got = times(self.path("out.pcap"))
                self.assertEqual(len(got), len(recorded))
                for at, wanted in zip(got, recorded):
                    self.assertGreater(at, wanted / speed - 0.005)
                self.assertLess(got[-1], recorded[-1] / speed + 2)

    def test_a_clock_that_went_back(self):
        write_timed(self.path("in.pcap"), [(1000, frame(b"a")), (10, frame(b"b")), (1000.01, frame(b"c"))])
        run = self.replay()
        self.assert_good(run)
        self.assertEqual(self.sent(), [b"a", b"b", b"c"])

    def test_what_is_no_message_is_in_the_ledger(self):
        pcapfile.write(self.path("in.pcap"), [frame(b"a"), b"\0" * 60, frame(), frame(b"b", dst_port=77)[:-3]])
        run = self.replay("--speed=max")
        self.assert_good(run)
        row = next(r for r in run.report["ledger"]["terms"] if r["name"] == "frames of the capture")
        self.assertEqual(row["in"], 4)
        self.assertEqual({k: v for k, v in row["out"].items() if v},
                         {"with messages": 1, "without": 1, "not_ip": 1, "truncated": 1})

    def test_udp_port(self):
        pcapfile.write(self.path("in.pcap"), [frame(b"a"), frame(b"b", dst_port=77)])
        self.assert_good(self.replay("--rx-udp-port=77"))
        self.assertEqual(self.sent(), [b"b"])

    def test_own_capture(self):
        """pcapng, as --capture writes it."""
        run = self.run_testbab("--forward-mode=txonly", "--count=1000", f"--capture={self.path('in.pcapng')}",
                               vdevs=["net_null0"])
        self.assert_good(run)
        self.assertEqual(run.report["capture"]["written"], run.report["bus"]["frames_out"])
        run = self.replay("--speed=max", source="in.pcapng")
        self.assert_good(run)
        self.assertEqual(len(self.sent()), 1000)

    def test_clocks_that_were_set(self):
        """The messages behind keep their pace: nothing is sent all at once, and nothing is waited for that long."""
        for name, stamps in {"back": [5000, 5000.2, 1400, 1400.2],
                             "odd first": [1.7e9, 1.6e9, 1.6e9 + 0.2, 1.6e9 + 0.4],
                             "odd in between": [1000, 10, 1000.2, 1000.4]}.items():
            with self.subTest(name):
                write_timed(self.path("in.pcap"), [(t, frame(b"%d" % i, sequence=i + 1)) for i, t in enumerate(stamps)])
                run = self.replay("--flush-messages=1")
                self.assert_good(run)
                self.assertEqual(self.sent(), [b"0", b"1", b"2", b"3"])
                got = times(self.path("out.pcap"))
                self.assertGreater(got[-1], 0.395)
                self.assertLess(got[-1], 2.4)

    def test_pcapng_of_several_interfaces(self):
        """Of other snapshot lengths, link types and byte orders: libpcap refuses these files."""
        frames = [frame(b"m%d" % i, sequence=i) for i in range(5)]
        section, interface, captured = pcapngfile.section, pcapngfile.interface, pcapngfile.frame
        files = {
            "lengths": section() + interface() + interface(snap_length=65535)
            + b"".join(captured(i % 2, i, f) for i, f in enumerate(frames)),
            "links": section() + interface() + interface(pcapngfile.LINUX_COOKED) + captured(1, 0, b"cooked")
            + b"".join(captured(0, i, f) for i, f in enumerate(frames)),
            "orders": section() + interface() + captured(0, 0, frames[0]) + section(">") + interface(order=">")
            + b"".join(captured(0, i, f, ">") for i, f in enumerate(frames[1:]))}
        for name, data in files.items():
            with self.subTest(name):
                with open(self.path("in.pcapng"), "wb") as file:
                    file.write(data)
                run = self.replay("--speed=max", source="in.pcapng")
                self.assert_good(run)
                self.assertEqual(self.sent(), [b"m%d" % i for i in range(5)])
                row = next(r for r in run.report["ledger"]["terms"] if r["name"] == "frames of the capture")
                self.assertEqual(row["in"], 6 if name == "links" else 5)
                self.assertEqual(row["out"].get("no Ethernet frames", 0), 1 if name == "links" else 0)
        with open(self.path("in.pcapng"), "wb") as file:
            file.write(section() + interface(pcapngfile.LINUX_COOKED) + captured(0, 0, b"cooked"))
        self.assert_refused(self.replay(source="in.pcapng"), "in.pcapng: its frames are LINUX_SLL, not Ethernet")
        with open(self.path("in.pcapng"), "wb") as file:
            file.write(files["lengths"][:-3])
        self.assert_refused(self.replay(source="in.pcapng"),
                            "ends in the middle of a block; the file may have been cut short")

    def test_duplicates(self):
        """Both directions, or both lines of a feed: each message is sent once, unless --keep-duplicates is given.
        Messages that differ are no duplicates."""
        batches = [frame(b"a", b"b"), frame(b"c", sequence=3), frame(b"d", b"e", sequence=4)]
        other = moldudp64.frame(moldudp64.packet("OTHER", 1, [b"a"]))
        repacked = [frame(b"b", b"c", b"d", sequence=2), frame(b"e", b"f", sequence=5)]
        pcapfile.write(self.path("in.pcap"), [*batches, other, *batches, *repacked])
        run = self.replay("--speed=max")
        self.assert_good(run)
        self.assertEqual(self.sent(), [b"a", b"b", b"c", b"d", b"e", b"a", b"f"])
        row = next(r for r in run.report["ledger"]["terms"] if r["name"] == "frames of the capture")
        self.assertEqual({k: v for k, v in row["out"].items() if v}, {"with messages": 5, "with duplicates only": 4})
        self.assert_good(self.replay("--speed=max", "--keep-duplicates"))
        self.assertEqual(len(self.sent()), 5 + 1 + 5 + 5)

    def test_one_frame_that_differs(self):
        """A frame that differs is sent whole. Other duplicates of the session are still found."""
        line = [frame(bytes([i]), bytes([i + 100]), sequence=2 * i + 1) for i in range(50)]
        other_line = line.copy()
        other_line[7] = frame(b"X", bytes([107]), sequence=15)
        pcapfile.write(self.path("in.pcap"), [*line, *other_line, *line])
        run = self.replay("--speed=max")
        self.assert_good(run)
        self.assertEqual(self.sent(), [*messages_of(line), b"X", bytes([107])])
        self.assertEqual(run.report["replay"], {"messages": 102, "duplicates": 198})
        self.assertRegex(run.stdout, r"left out: 198 messages .*--keep-duplicates")
        self.assertNotIn("left out", self.replay("--speed=max", "--keep-duplicates").stdout)

    def test_frames_that_differ_apart(self):
        """With new frames between the copies, as with a line that lags, each frame is sent once."""
        a = {i: frame(b"%d" % i, sequence=i) for i in range(1, 9)}
        bad = {i: frame(b"bad %d" % i, sequence=i) for i in (1, 2)}
        lines = [a[1], a[2], a[3], a[4], bad[1], a[5], bad[2], a[6], a[3], a[7], a[4], a[8]]
        pcapfile.write(self.path("in.pcap"), [*lines, bad[1], bad[2]])  # known, too, when they come again
        self.assert_good(self.replay("--speed=max"))
        self.assertEqual(self.sent(), [b"1", b"2", b"3", b"4", b"bad 1", b"5", b"bad 2", b"6", b"7", b"8"])

    def test_a_session_that_began_anew_beside_a_late_line(self):
        """The first frames of a new session are found on the other line, even after the old session is forgotten."""
        old = [frame(b"%d" % i, sequence=i) for i in range(1, 7)]
        new = [frame(b"new %d" % i, sequence=i) for i in range(1, 5)]
        for late in ([*new[:1], old[0], *new[1:2]],  # known by no two in a row
                     [*new[:1], old[0], *new[1:2], old[1], *new[2:]],
                     [*new[:1], old[0], *new[1:]],
                     [*new[:1], *new[:1], *new[1:]]):
            with self.subTest(late=messages_of(late)):
                first = [message for message in messages_of(late) if message.startswith(b"new")]
                first = list(dict.fromkeys(first))
                pcapfile.write(self.path("in.pcap"), [*old, *late, *new, *new])
                self.assert_good(self.replay("--speed=max"))
                self.assertEqual(self.sent(), messages_of([*old, *new]))
                pcapfile.write(self.path("in.pcap"), [*old[:2], *late, *late])
                self.assert_good(self.replay("--speed=max"))
                self.assertEqual([m for m in self.sent() if m.startswith(b"new")], first)

    def test_a_session_that_began_anew_and_is_packed_otherwise(self):
        """A new message after one of the new session belongs to the new session."""
        pcapfile.write(self.path("in.pcap"), [
            frame(b"1"), frame(b"3", sequence=3), frame(b"new 1"), frame(b"new 1", b"new 2"),
            frame(b"new 3", sequence=3), frame(b"new 2", sequence=2)])
        self.assert_good(self.replay("--speed=max"))
        self.assertEqual(self.sent(), [b"1", b"3", b"new 1", b"new 2", b"new 3"])

    def test_a_session_that_began_anew_forgets_what_differed_before(self):
        """A damaged message with a later number than the new session has reached isn't a message of it."""
        old = [frame(b"%d" % i, sequence=i) for i in range(1, 6)]
        bad = frame(b"bad 4", sequence=4)
        new = [frame(b"new 1"), frame(b"new 2", sequence=2), frame(b"3", sequence=3), bad, old[4]]
        pcapfile.write(self.path("in.pcap"), [*old, bad, old[4], *new, *new])
        self.assert_good(self.replay("--speed=max"))
        self.assertEqual(self.sent(), messages_of([*old, bad, *new]))

    def test_a_session_that_began_anew(self):
        old = [frame(b"a", b"b"), frame(b"c", b"d", sequence=3), frame(b"e", sequence=5)]
        new = [frame(b"x", b"b"), frame(b"y", b"d", sequence=3), frame(b"e", sequence=5)]
        pcapfile.write(self.path("in.pcap"), [*old, *new, *new])
        self.assert_good(self.replay("--speed=max"))
        self.assertEqual(self.sent(), messages_of([*old, *new]))

    def test_a_session_that_repeats_itself_is_said(self):
        """A publisher that begins anew with the same bytes and numbers looks like the other line of a feed."""
        batches = [frame(b"a", b"b"), frame(b"c", sequence=3)]
        pcapfile.write(self.path("in.pcap"), batches * 2)
        run = self.replay("--speed=max")
        self.assert_good(run)
        self.assertRegex(run.stdout, r"left out: 3 messages .*--keep-duplicates")

    def test_a_pipe(self):
        """A pipe, as from tcpdump -w: its writer comes late, and pauses."""
        os.mkfifo(self.path("pipe"))
        pcapfile.write(self.path("in.pcap"), [frame(b"a", b"b"), frame(b"c", sequence=3)])
        with open(self.path("in.pcap"), "rb") as file:
            data = file.read()
        run = self.start("--forward-mode=replay", f"--replay={self.path('pipe')}", "--speed=max",
                         vdevs=[f"net_pcap0,tx_pcap={self.path('out.pcap')}"])
        time.sleep(0.2)
        with open(self.path("pipe"), "wb", buffering=0) as pipe:
            for part in (data[:10], data[10:60], data[60:]):
                pipe.write(part)
                time.sleep(0.05)
        self.assert_good(run.finish())
        self.assertEqual(self.sent(), [b"a", b"b", b"c"])

    def test_a_pipe_that_nobody_writes_or_closes(self):
        """The first signal ends the reading."""
        os.mkfifo(self.path("pipe"))
        pcapfile.write(self.path("in.pcap"), [frame(b"a")])
        for begun in (False, True):
            with self.subTest(begun=begun):
                run = self.start("--forward-mode=replay", f"--replay={self.path('pipe')}", vdevs=["net_null0"])
                writer = None
                if begun:
                    writer = open(self.path("pipe"), "wb", buffering=0)
                    with open(self.path("in.pcap"), "rb") as file:
                        writer.write(file.read())
                else:
                    time.sleep(1)
                run.send(signal.SIGTERM)
                run = run.finish(20)
                self.assert_refused(run, "stopped while it was read")
                if writer:
                    writer.close()

    def test_own_capture_of_both_directions(self):
        # No more frames than a queue has buffers: none is missed.
        run = self.run_testbab("--rate=100k", "--count=500", "--capture-share=100",
                               f"--capture={self.path('in.pcapng')}", eal=None)
        self.assert_good(run)
        self.assertEqual((run.report["capture"]["missed"], run.report["capture"]["failed"]), (0, 0))
        run = self.replay("--speed=max", "--mtu=9000", source="in.pcapng")
        self.assert_good(run)
        self.assertEqual(len(self.sent()), 500)

    def test_market_data(self):
        path = os.path.join(testbab.SHARED_DATA, "nasdaq-totalview.pcap")
        if not os.path.exists(path):
            self.skipTest("the capture nasdaq-totalview.pcap isn't here")
        os.symlink(os.path.abspath(path), self.path("in.pcap"))
        run = self.replay("--speed=max")
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["messages_out"], 117)

    def test_refusals(self):
        self.assert_refused(self.replay(), "in.pcap", "No such file")
        with open(self.path("in.pcap"), "wb") as file:
            file.write(b"nothing of the kind")
        self.assert_refused(self.replay(), "in.pcap")
        pcapfile.write(self.path("in.pcap"), [b"\0" * 60])
        self.assert_refused(self.replay(), "no message in its 1 frames", "1 not_ip")
        pcapfile.write(self.path("in.pcap"), [frame(b"x" * 2000)])
        self.assert_refused(self.replay("--mtu=1500"), "2000 bytes", "--mtu")
        self.assert_refused(self.run_testbab("--forward-mode=replay", vdevs=["net_null0"]), "--replay=FILE")
        self.assert_refused(self.run_testbab("--replay=x", vdevs=["net_null0"]), "--forward-mode=replay")
        for stdin in ("-", "/dev/stdin"):
            run = self.run_testbab("-i", "--forward-mode=replay", f"--replay={stdin}", vdevs=["net_null0"])
            self.assert_refused(run, f"--replay={stdin}: .*--interactive, commands come from standard input")
        self.assert_refused(self.run_testbab("--keep-duplicates", vdevs=["net_null0"]), "--keep-duplicates")
        self.assert_refused(self.run_testbab("--forward-mode=txonly", "--speed=2", vdevs=["net_null0"]), "--speed")


if __name__ == "__main__":
    tap.main()
