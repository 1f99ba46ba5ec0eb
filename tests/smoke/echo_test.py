#!/usr/bin/python3
"""`testbab --forward-mode=echo`: every message goes back to the sender of its frame, and nowhere else."""

import json
import os
import random
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import moldudp64
import pcapfile
import tap
from captures import Stream, small_messages
from memif import MemifCase
from namespaces import CANNOT, Namespaces, OUR_ADDRESS, PEER_ADDRESS, PORT
from smoke_case import SmokeCase

ECHO = "--forward-mode=echo"
PEERS = 32  # at a time: EchoPoller::kPeers


class Peer:
    """Frames from one address, and the messages that must come back to it."""

    def __init__(self, number, **headers):
        self.headers = {"src_mac": f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}",
                        "src_ip": f"198.51.101.{number % 200 + 1}", "src_port": 5000 + number, **headers}
        self.stream, self.messages = Stream(captures.DAY, **self.headers), []

    def frame(self, batch):
        self.messages += batch
        return self.stream.frame(batch)

    def key(self):
        return self.headers["src_mac"], self.headers["src_ip"], self.headers["src_port"], self.headers.get("vlan")


class Addresses(SmokeCase):
    """Frames from a capture; the answers go to another."""

    def echo(self, frames, *app, idle_ms=100):
        pcapfile.write(self.path("in.pcap"), frames)
        run = self.run_testbab(ECHO, f"--idle-exit-ms={idle_ms}", *app, vdevs=[
            f"net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}"])
        self.assert_good(run)
        return run, [moldudp64.parse(frame) for frame in pcapfile.read(self.path("out.pcap"))]

    def by_peer(self, answers):
        found = {}
        for frame in answers:
            found.setdefault((frame.dst_mac, frame.dst_ip, frame.dst_port, frame.vlan), []).append(frame)
        return found

    def assert_each_got_its_own(self, answers, peers, *, restarts=False):
        found = self.by_peer(answers)
        self.assertEqual(found.keys(), {peer.key() for peer in peers})
        for peer in peers:
            frames = found[peer.key()]
            self.assert_messages([message for frame in frames for message in frame.messages], peer.messages)
            sequence = 1
            for frame in frames:
                if restarts and frame.sequence == 1:
                    sequence = 1
                self.assertEqual(frame.sequence, sequence)
                sequence += frame.count
                self.assertEqual((frame.session, frame.src_ip, frame.src_port), (b"BABECHO   ", "198.51.100.2", 26477))
                self.assertEqual((frame.ip_checksum, frame.udp_checksum), ("good", "good"))

    def test_one_peer(self):
        peer, messages = Peer(1), small_messages(500, 8, 60, 1)
        run, answers = self.echo([peer.frame(messages[at:at + 5]) for at in range(0, 500, 5)])
        self.assert_each_got_its_own(answers, [peer])
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["messages_out"], bus["streams"]), (500, 500, 1))
        self.assertEqual(bus["bytes_in"], bus["bytes_out"])
        self.assertLess(len(answers), 50, "a burst's answers share frames")

    def test_peers_at_once_are_not_mixed(self):
        source = random.Random(2)
        peers = [Peer(number) for number in range(PEERS)]
        messages = small_messages(3000, 8, 40, 2)
        run, answers = self.echo([source.choice(peers).frame(messages[at:at + 3]) for at in range(0, 3000, 3)])
        self.assert_each_got_its_own(answers, peers)
        self.assertEqual(run.report["bus"]["streams"], PEERS)

    def test_more_peers_than_places(self):
        source = random.Random(3)
        peers = [Peer(number) for number in range(3 * PEERS)]
        messages = small_messages(3000, 8, 40, 3)
        for extra in (), ("--total-num-mbufs=16", "--burst=8"), ("--burst=1",):
            with self.subTest(extra=extra):
                for peer in peers:
                    peer.messages.clear()
                run, answers = self.echo([source.choice(peers).frame(messages[at:at + 3]) for at in range(0, 3000, 3)],
                                         *extra)
                self.assert_each_got_its_own(answers, peers, restarts=True)
                self.assertGreater(run.report["bus"]["streams"], len(peers))

    def test_few_buffers(self):
        for buffers, burst in (2, 1), (3, 1), (8, 4):
            with self.subTest(buffers=buffers):
                peers = [Peer(number) for number in range(10)]
                messages = small_messages(600, 8, 300, 4)
                run, answers = self.echo([peers[at % 10].frame([message]) for at, message in enumerate(messages)],
                                         f"--total-num-mbufs={buffers}", "--mbcache=0", f"--burst={burst}")
                self.assert_each_got_its_own(answers, peers, restarts=True)

    def test_few_buffers_for_headers_of_two_sizes(self):
        """Each address has an open frame when the last buffer is taken, and another message doesn't fit."""
        peers = [Peer(1), Peer(2, vlan=101)]
        messages = small_messages(400, 700, 900, 7)
        _, answers = self.echo([peers[at % 2].frame([message]) for at, message in enumerate(messages)],
                               "--total-num-mbufs=4", "--mbcache=0", "--burst=4")
        self.assert_each_got_its_own(answers, peers)

    def test_same_host_other_port_mac_or_tag(self):
        peers = [Peer(7), Peer(7, src_port=1), Peer(7, src_mac="02:00:00:00:07:07"), Peer(7, src_ip="198.51.101.250"),
                 Peer(7, vlan=101), Peer(7, vlan=102), Peer(8, options=b"\x01\x01\x01\x00")]
        messages = small_messages(140, 8, 40, 5)
        _, answers = self.echo([peers[at % 7].frame([message]) for at, message in enumerate(messages)])
        self.assert_each_got_its_own(answers, peers)

    def test_answers_to_a_group_come_from_our_own_address(self):
        peer = Peer(1, dst_ip="239.1.1.1", dst_mac="01:00:5e:01:01:01")
        _, answers = self.echo([peer.frame([b"a message"])], "--tx-ip=198.51.100.9,239.1.1.1")
        self.assertEqual([(frame.src_ip, frame.dst_ip, frame.messages) for frame in answers],
                         [("198.51.100.9", peer.headers["src_ip"], (b"a message",))])

    def test_session_is_the_one_given(self):
        _, answers = self.echo([Peer(1).frame([b"a message"])], "--session=OURS")
        self.assertEqual(answers[0].session, b"OURS      ")

    def test_wrong_frames_and_heartbeats_are_not_answered(self):
        peer, wrong = Peer(1), captures.wrong()
        frames = [peer.frame([b"first"]), *captures.frames(wrong), peer.stream.heartbeat().frame, peer.frame([b"last"])]
        run, answers = self.echo(frames)
        self.assert_each_got_its_own(answers, [peer])
        self.assertEqual(sum(self.drops(run.report).values()), len(wrong))

    def test_empty_and_largest_messages(self):
        peer = Peer(1)
        _, answers = self.echo([peer.frame([b""]), peer.frame([b"l" * 8950]), peer.frame([b"", b"x"])], "--mtu=9000")
        self.assert_each_got_its_own(answers, [peer])

    def test_a_message_too_long_for_the_way_back_is_counted(self):
        pcapfile.write(self.path("in.pcap"), [Peer(1).frame([b"l" * 1451]), Peer(1).frame([b"fits"])])
        run = self.run_testbab(ECHO, "--idle-exit-ms=100", "--mbuf-size=9500", vdevs=[
            f"net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}"])
        self.assert_ended(run, 1)
        self.assertEqual((self.drops(run.report), run.report["bus"]["lost"]), ({"too_long": 1}, 1))

    def test_ports_answer_for_themselves(self):
        peers, vdevs = [Peer(1), Peer(2)], []
        for number, peer in enumerate(peers):
            pcapfile.write(self.path(f"in{number}.pcap"),
                           [peer.frame([message]) for message in small_messages(100, 8, 40, number)])
            vdevs.append(f"net_pcap{number},rx_pcap={self.path(f'in{number}.pcap')},"
                         f"tx_pcap={self.path(f'out{number}.pcap')}")
        self.assert_good(self.run_testbab(ECHO, "--idle-exit-ms=100", vdevs=vdevs))
        for number, peer in enumerate(peers):
            answers = [moldudp64.parse(frame) for frame in pcapfile.read(self.path(f"out{number}.pcap"))]
            self.assert_messages([message for frame in answers for message in frame.messages], peer.messages)
            self.assertEqual({frame.session for frame in answers}, {(b"BABECHO   ", b"BABECHO.1 ")[number]})

    def test_count_is_of_messages_received(self):
        peer = Peer(1)
        frames = [peer.frame([message]) for message in small_messages(2000, 8, 20, 6)]
        run, _ = self.echo(frames, "--count=1000", idle_ms=0)
        self.assertGreaterEqual(run.report["bus"]["messages_out"], 1000)


class Processes(MemifCase):
    def test_two_processes(self):
        runs = self.run_pair((ECHO,), ("--forward-mode=ping", "--ping-timeout-ms=20000", "--rate=20k", "--count=5000",
                                       "--msg-size=16-4000"), "--mtu=9000", stop_server=True)
        for run in runs.values():
            self.assert_good(run)
        messages, bus = runs["client"].report["bus"]["messages_out"], runs["server"].report["bus"]
        self.assertEqual((bus["messages_in"], bus["messages_out"]), (messages, messages))


@unittest.skipIf(CANNOT, CANNOT)
class Kernel(Namespaces):
    """Plain sockets send the messages."""

    def test_sockets_at_once(self):
        vdev = self.connect(1500)
        process = self.start_inside(ECHO, f"--rx-udp-port={PORT}", "--stats-period=1", vdevs=[vdev])
        self.assertTrue(process.wait_until_it_says(lambda said: any(" s " in line for _, _, line in said)))
        self.introduce()
        count, sockets = 600, 4
        got = json.loads(self.finish_peer(
            self.peer(self.theirs, "ask", PEER_ADDRESS, OUR_ADDRESS, PORT, count, 100, sockets)))
        process.send(signal.SIGINT)
        run = process.finish()
        self.assert_good(run)
        self.assertEqual(got, {"messages": count * sockets, "right": True, "numbered": True,
                               "sessions": ["BABECHO   "]})
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["messages_out"], bus["streams"]),
                         (count * sockets, count * sockets, sockets))


if __name__ == "__main__":
    tap.main()
