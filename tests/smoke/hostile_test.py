#!/usr/bin/python3
"""Floods of frames that are wrong in every known way, among good frames, into `rxonly`."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import moldudp64
import pcapfile
import tap
import testbab
from smoke_case import SmokeCase, count_by_reason

try:
    from scapy.all import IP, UDP, Dot1Q, Ether, IPOption_Router_Alert, IPv6, Raw, TCP, fragment
    NO_SCAPY = None
except ImportError:
    NO_SCAPY = "python3-scapy isn't installed"

MILLION = 1_000_000


class Flood(SmokeCase):
    def test_a_million_of_each_kind(self):
        """net_pcap plays the file again and again. BAB_LONG: a million of each frame, not of each reason."""
        wrong = [sample for sample in captures.wrong() if len(sample.reasons) == 1 and sample.frame]
        good = captures.Stream(captures.DAY).sample("good", [b"one", b"two"])
        file = [frame for sample in wrong for frame in (sample.frame, good.frame)]
        pcapfile.write(self.path("in.pcap"), file)
        kinds = count_by_reason(wrong)
        rounds = MILLION if testbab.LONG else -(-MILLION // min(kinds.values()))
        run = self.run_testbab("--forward-mode=rxonly", f"--count={rounds * 2 * len(wrong)}", "--total-num-mbufs=4096",
                               vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')},infinite_rx=1"], timeout=300)
        self.assert_ended(run, 0)
        drops, bus = self.drops(run.report), run.report["bus"]
        self.assertEqual(drops.keys(), {reason for (reason,) in kinds})
        self.assertEqual(bus["messages_in"], 2 * bus["frames_in"])
        # Each round is the whole file: what was seen of a kind is its share of it, but for the last round's rest.
        turns = bus["frames_in"] // len(wrong)
        for (reason,), in_file in kinds.items():
            self.assertGreaterEqual(drops[reason], MILLION, reason)
            self.assertLessEqual(abs(drops[reason] - turns * in_file), in_file, reason)

    def test_a_seeded_mix_among_our_own_stream(self):
        """Every good message comes whole and in order, whatever frames were between."""
        seed = int(os.environ.get("BAB_SEED", "20220"))
        source = random.Random(seed)
        wrong = captures.wrong()
        _, frames = self.txonly("--count=20000", "--mtu=1500", "--msg-size=8-200")
        mixed, expected = [], []
        for frame in frames:
            for sample in source.choices(wrong, k=source.randint(0, 6)):
                mixed.append(sample.frame)
                expected.append(sample)
            mixed.append(frame)
        run = self.rxonly(mixed)
        self.assert_ended(run, 0)
        bus, drops = run.report["bus"], self.drops(run.report)
        self.assertEqual((bus["messages_in"], bus["frames_in"], bus["corrupt"], bus["lost"], bus["gaps"]),
                         (20000, len(frames), 0, 0, 0), f"seed {seed}")
        self.assertEqual(sum(drops.values()), len(expected), f"seed {seed}")
        for reasons, count in count_by_reason(expected).items():
            if len(reasons) == 1:
                self.assertGreaterEqual(drops[reasons[0]], count, f"seed {seed}")

    def test_mutations_of_good_frames(self):
        """A random byte of a good frame is changed. Checksums are verified, so only harmless changes get through."""
        seed = int(os.environ.get("BAB_SEED", "20221"))
        source = random.Random(seed)
        stream, mutated, harmless = captures.Stream(captures.DAY), [], 0
        for _ in range(20000):
            frame = bytearray(stream.frame([b"message", b"another message"]))
            at = source.randrange(len(frame))
            frame[at] ^= source.randint(1, 255)
            harmless += at < 12  # MAC addresses are under no checksum
            mutated.append(bytes(frame))
        run = self.rxonly(mutated)
        self.assert_ended(run, 0)
        # A checksum of 0 would mean "none"; a one-byte change can't make one, nor can it go unseen.
        self.assertEqual(run.report["bus"]["frames_in"], harmless, f"seed {seed}")


@unittest.skipIf(NO_SCAPY, NO_SCAPY)
class Scapy(SmokeCase):
    """Frames that another tool made."""

    def setUp(self):
        super().setUp()
        self.payload = moldudp64.packet("SCAPY", 1, [b"from scapy"])

    def ether(self, *layers):
        packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        for layer in layers:
            packet /= layer
        return bytes(packet)

    def udp(self, **ip):
        return IP(src="198.18.0.1", dst="198.18.0.2", **ip), UDP(sport=9, dport=9), Raw(self.payload)

    def judge(self, frames, drops, good, *app):
        run = self.rxonly(frames, *app)
        self.assert_ended(run, 0)
        self.assertEqual((self.drops(run.report), run.report["bus"]["messages_in"]), (drops, good), run)

    def test_plain_tagged_and_with_options(self):
        self.judge([self.ether(*self.udp()), self.ether(Dot1Q(vlan=7), *self.udp()),
                    self.ether(*self.udp(options=[IPOption_Router_Alert()]))], {}, 3)

    def test_a_million_of_each_kind(self):
        """Each of these frames a million times, good ones among them."""
        big = self.ether(IP(src="198.18.0.1", dst="198.18.0.2"), UDP(sport=9, dport=9),
                         Raw(moldudp64.packet("SCAPY", 1, [b"y" * 16000])))
        ip, udp, payload = self.udp()
        fragments = fragment(ip / udp / Raw(moldudp64.packet("SCAPY", 1, [b"x" * 1000] * 3)), fragsize=1000)
        malformed = Raw(moldudp64.packet("SCAPY", 1, [b"a", b"b", b"c"], count=65534))
        good = [self.ether(ip, udp, payload), self.ether(Dot1Q(vlan=7), ip, udp, payload), big,
                self.ether(*self.udp(options=[IPOption_Router_Alert()])),
                self.ether(ip, UDP(sport=9, dport=9), Raw(moldudp64.packet("SCAPY", 1, [b"a"]))).ljust(64, b"\0")]
        wrong = {
            "not_ip": [self.ether(Dot1Q(vlan=7), Dot1Q(vlan=8), ip, udp, payload), self.ether(IPv6(), udp, payload)],
            "not_udp": [self.ether(IP(), TCP(dport=9), payload)],
            "ip_fragment": [self.ether(piece) for piece in fragments],
            "bad_ip_header": [self.ether(IP(ihl=4), udp, payload), self.ether(IP(version=7), udp, payload)],
            "bad_ip_checksum": [self.ether(*self.udp(chksum=1))],
            "bad_udp_checksum": [self.ether(ip, UDP(sport=9, dport=9, chksum=1), payload)],
            "bad_udp_length": [self.ether(ip, UDP(sport=9, dport=9, len=length), payload)
                               for length in (7, 9 + len(self.payload), 65535)],
            "truncated": [self.ether(*self.udp(len=1000)), good[0][:-1], good[0][:41], good[0][:9]],
            "malformed": [self.ether(ip, udp, malformed), self.ether(ip, udp, payload, Raw(b"trailing")),
                          self.ether(ip, udp, Raw(self.payload[:-1]))],
        }
        ordered = [frame for frames in wrong.values() for frame in frames]
        mixed = [frame for at, each in enumerate(ordered) for frame in (good[at % len(good)], each)]
        pcapfile.write(self.path("in.pcap"), mixed)
        # A message in each good frame: when this many have come, the whole file was played a million times.
        run = self.run_testbab("--forward-mode=rxonly", f"--count={MILLION * len(ordered)}", "--mtu=16100",
                               "--total-num-mbufs=4096",
                               vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')},infinite_rx=1"], timeout=170)
        self.assert_ended(run, 0)
        bus, drops = run.report["bus"], self.drops(run.report)
        self.assertEqual(bus["messages_in"], bus["frames_in"])
        self.assertGreaterEqual(bus["frames_in"], MILLION * len(ordered))
        self.assertEqual(drops.keys(), wrong.keys())
        turns = bus["frames_in"] // len(ordered)
        for reason, frames in wrong.items():
            self.assertLessEqual(abs(drops[reason] - turns * len(frames)), len(frames), reason)
            self.assertGreaterEqual(drops[reason], (MILLION - 1) * len(frames), reason)

    def test_a_million_of_chained_mbufs(self):
        """Through a pipe, because net_pcap's endless mode takes no frame that is larger than a buffer."""
        os.mkfifo(self.path("pipe"))
        chained = self.ether(*self.udp()[:2], Raw(moldudp64.packet("SCAPY", 1, [b"c" * 700])))
        good, each = self.ether(*self.udp()), 1000
        process = self.start("--forward-mode=rxonly", "--mtu=400", "--mbuf-size=640", "--idle-exit-ms=1000",
                             vdevs=[f"net_pcap0,rx_pcap={self.path('pipe')}"])
        pcapfile.write(self.path("part.pcap"), [good, chained] * each)
        with open(self.path("part.pcap"), "rb") as part, open(self.path("pipe"), "wb") as pipe:
            header, records = part.read(24), part.read()
            pipe.write(header)
            for _ in range(MILLION // each):
                pipe.write(records)
        run = process.finish(60)
        self.assert_ended(run, 0)
        self.assertEqual((self.drops(run.report), run.report["bus"]["messages_in"]),
                         ({"multi_segment": MILLION}, MILLION))

    def test_double_vlan(self):
        self.judge([self.ether(Dot1Q(vlan=7), Dot1Q(vlan=8), *self.udp())], {"not_ip": 1}, 0)

    def test_fragments(self):
        datagram = IP(src="198.18.0.1", dst="198.18.0.2") / UDP(sport=9, dport=9) / Raw(
            moldudp64.packet("SCAPY", 1, [b"x" * 1000] * 3))
        pieces = [self.ether(piece) for piece in fragment(datagram, fragsize=1000)]
        self.assertGreater(len(pieces), 2)
        self.judge(pieces, {"ip_fragment": len(pieces)}, 0)

    def test_other_protocols(self):
        self.judge([self.ether(IPv6(), UDP(), Raw(self.payload)),
                    self.ether(IP(), TCP(dport=9), Raw(self.payload))], {"not_ip": 1, "not_udp": 1}, 0)

    def test_runts(self):
        whole = self.ether(*self.udp())
        frames = [whole[:length] for length in range(1, len(whole))]
        run = self.rxonly(frames)
        self.assert_ended(run, 0)
        self.assertEqual((self.drops(run.report), run.report["bus"]["messages_in"]), ({"truncated": len(frames)}, 0))

    def test_frames_of_16_kb(self):
        """Split over several mbufs if the buffers are small; whole if the MTU allows that."""
        big = self.ether(IP(src="198.18.0.1", dst="198.18.0.2"), UDP(sport=9, dport=9),
                         Raw(moldudp64.packet("SCAPY", 1, [b"y" * 16000])))
        small = self.ether(*self.udp())
        self.judge([small, big, small], {"multi_segment": 1}, 2)
        self.judge([small, big, small], {}, 3, "--mtu=16100")


if __name__ == "__main__":
    tap.main()
