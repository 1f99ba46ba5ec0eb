"""For every smoke test: a directory, runs of testbab in it, and assertions that hold for any run."""

import collections
import os
import re
import shutil
import tempfile
import unittest

import moldudp64
import pcapfile
import testbab
import tshark

NOISE = re.compile(
    r"^(EAL|ETHDEV|TELEMETRY|MEMPOOL|MBUF|RING|VDEV|PCI|PMD|CONFIG|USER\d|APP): |^\w+\(\): |rte_\w+\(|"
    r"Sanitizer|runtime error:|^terminate called|[Aa]ssert", re.M)

# Reasons for which a framer drops a frame, which the port has counted as received.
RECEIVE_REASONS = ("not_ip", "not_udp", "ip_fragment", "bad_ip_header", "bad_ip_checksum", "bad_udp_checksum",
                   "bad_udp_length", "truncated", "malformed", "other_port", "multi_segment", "foreign_buffer")

PORT_KEYS = ("port", "name", "driver", "mtu", "rx_frames", "rx_bytes", "tx_frames", "tx_bytes", "rx_missed",
             "rx_nombuf", "rx_errors", "tx_errors")
BUS_KEYS = ("messages_in", "messages_out", "bytes_in", "bytes_out", "frames_in", "frames_out", "lost", "corrupt")


class SmokeCase(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="testbab-")
        self.addCleanup(shutil.rmtree, self.directory)
        os.chmod(self.directory, 0o777)  # for runs as another user
        self.reports = 0

    def path(self, name):
        return os.path.join(self.directory, name)

    # Running

    def start(self, *app, eal=testbab.PLAIN_EAL, vdevs=(), report=True, **options):
        """`report`: True for a file of its own, "-" for standard output, None for none."""
        if report is True:
            self.reports += 1
            report = self.path(f"report{self.reports}.json")
        if report is not None:
            app += (f"--json={report}",)
        command = testbab.arguments(app, eal=eal, vdevs=vdevs)
        process = testbab.Process(command, self.directory, report=report, **options)
        self.addCleanup(lambda: process.process.poll() is None and process.process.kill())
        return process

    def run_testbab(self, *app, timeout=testbab.TIMEOUT, **options):
        return self.start(*app, **options).finish(timeout)

    def relay(self, frames, *app, idle_ms=100, vdevs=None):
        """Runs the relay on `frames`. Gives the run and the raw frames that came out (also in out.pcap)."""
        pcapfile.write(self.path("in.pcap"), frames)
        vdevs = vdevs or [f"net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}"]
        run = self.run_testbab("--forward-mode=relay", f"--idle-exit-ms={idle_ms}", *app, vdevs=vdevs)
        self.assertTrue(os.path.exists(self.path("out.pcap")), run)
        return run, pcapfile.read(self.path("out.pcap"))

    def txonly(self, *app):
        """Runs txonly. Gives the run and the raw frames, which are in out.pcap."""
        run = self.run_testbab("--forward-mode=txonly", *app, vdevs=[f"net_pcap0,tx_pcap={self.path('out.pcap')}"])
        self.assertTrue(os.path.exists(self.path("out.pcap")), run)
        return run, pcapfile.read(self.path("out.pcap"))

    def rxonly(self, frames, *app, idle_ms=100):
        """Runs rxonly on `frames`."""
        pcapfile.write(self.path("in.pcap"), frames)
        return self.run_testbab("--forward-mode=rxonly", f"--idle-exit-ms={idle_ms}", *app,
                                vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')}"])

    # Judging a run

    def assert_good(self, run):
        self.assert_ended(run, 0)
        self.assertEqual((run.report["bus"]["lost"], run.report["bus"]["corrupt"]), (0, 0), run)

    def assert_ended(self, run, status):
        """Exit code, no noise, a whole report that adds up, all buffers back."""
        self.assertEqual(run.status, status, run)
        self.assert_no_noise(run)
        self.assertIsNotNone(run.report, run)
        self.assert_whole(run.report)
        self.assert_adds_up(run.report)
        self.assertEqual([pool["name"] for pool in run.report["pools"] if pool["leaked"]], [], run)

    def assert_no_noise(self, run):
        self.assertNotRegex(run.stdout + run.stderr, NOISE, run)

    def assert_whole(self, report):
        """Every documented key is there, and its count is right."""
        self.assertLessEqual({"engine", "seconds", "ports", "bus", "drops", "ledger", "pools"}, report.keys())
        self.assertGreaterEqual(report["seconds"], 0)
        self.assertTrue(report["ports"])
        self.assertTrue(report["pools"])
        for number, port in enumerate(report["ports"]):
            self.assertLessEqual(set(PORT_KEYS), port.keys())
            self.assertEqual(port["port"], number)
            self.assertTrue(port["name"])
            self.assertTrue(port["driver"])
            self.assert_counts(port, PORT_KEYS[3:])
        self.assertLessEqual(set(BUS_KEYS), report["bus"].keys())
        self.assert_counts(report["bus"], BUS_KEYS)
        self.assert_counts(report["drops"], report["drops"])
        self.assertTrue(report["lcores"])
        for lcore in report["lcores"]:
            self.assert_counts(lcore, ("lcore", "turns", "busy_cycles", "idle_cycles"))
            self.assertGreaterEqual(lcore["cpu"], -1)
            self.assertIn(lcore["idle"], ("spin", "pause", "backoff", "monitor"))
        for pool in report["pools"]:
            self.assertTrue(pool["name"])
            self.assert_counts(pool, ("buffers", "leaked"))
            self.assertGreater(pool["buffers"], 0)

    def assert_counts(self, counts, keys):
        for key in keys:
            self.assertIs(type(counts[key]), int, key)
            self.assertGreaterEqual(counts[key], 0, key)

    def assert_adds_up(self, report):
        """The ledger says that it balances, and the sums made here say so too."""
        self.assertIs(report["ledger"]["balanced"], True, report)
        self.assertTrue(report["ledger"]["terms"])
        for term in report["ledger"]["terms"]:
            self.assertEqual(term["in"], sum(term["out"].values()), term)
        bus, drops = report["bus"], self.drops(report)
        received = sum(port["rx_frames"] for port in report["ports"])
        turned_away = sum(drops.get(reason, 0) for reason in RECEIVE_REASONS)
        self.assertEqual(received, bus["frames_in"] + turned_away, report)
        sent = sum(port["tx_frames"] for port in report["ports"])
        self.assertEqual(sent, bus["frames_out"], report)
        if report["engine"] == "relay":
            gone = sum(drops.get(reason, 0) for reason in ("too_long", "no_buffer"))
            self.assertEqual(bus["messages_in"], bus["messages_out"] + gone, report)

    def drops(self, report):
        """The reasons that occurred, with their counts."""
        return {reason: count for reason, count in report["drops"].items() if count}

    def assert_refused(self, run, *words):
        """Exit code 2, and one sentence on standard error that matches each regular expression of `words`."""
        self.assertEqual(run.status, 2, run)
        self.assertEqual(run.stdout, "", run)
        self.assert_no_noise(run)
        sentence = run.stderr.strip()
        # CLI11 adds a line that points at --help.
        lines = [line for line in sentence.splitlines() if "--help" not in line or line == sentence]
        self.assertEqual(len(lines), 1, run)
        for word in words:
            self.assertRegex(sentence, re.compile(word, re.I), run)
        self.assertIsNone(run.report, run)

    # Judging frames

    def assert_stream(self, frames, messages, mtu, *, udp_checksum="good"):
        """Frames as the bus sends them, with exactly these messages in this order. Gives the parsed frames."""
        parsed = [moldudp64.parse(frame) for frame in frames]
        self.assert_messages([message for frame in parsed for message in frame.messages], messages)
        sequence = 1
        for frame in parsed:
            self.assertEqual(frame.sequence, sequence)
            self.assertTrue(0 < frame.count < moldudp64.END_OF_SESSION, frame.count)
            sequence += frame.count
            self.assertLessEqual(frame.ip_length, mtu)
            self.assertEqual(frame.length, frame.ip_length + (14 if frame.vlan is None else 18))
            self.assertEqual((frame.dont_fragment, frame.ip_id), (True, 0))
            self.assertEqual((frame.ip_checksum, frame.udp_checksum), ("good", udp_checksum))
        self.assertLessEqual(len({frame.session for frame in parsed}), 1)
        return parsed

    def assert_messages(self, got, wanted):
        for number, (one, other) in enumerate(zip(got, wanted)):
            self.assertEqual(one, other, f"message {number} of {len(wanted)}; all: {len(got)}")
        self.assertEqual(len(got), len(wanted))

    def assert_full(self, parsed, mtu):
        """Each frame but the last had no room for the next message."""
        for frame, following in zip(parsed, parsed[1:]):
            self.assertGreater(frame.ip_length + 2 + len(following.messages[0]), mtu)

    def assert_tshark_agrees(self, parsed, *, udp_checksum="good"):
        """tshark decodes every packet of out.pcap, sees the same messages, and complains of nothing."""
        seen = tshark.decode(self.path("out.pcap"), {frame.dst_port for frame in parsed})
        self.assertEqual(len(seen), len(parsed))
        for number, (packet, frame) in enumerate(zip(seen, parsed)):
            with self.subTest(packet=number):
                self.assertIsNotNone(packet.session, packet.protocols)
                self.assertEqual(packet.problems, ())
                self.assertEqual((packet.ip_checksum, packet.udp_checksum), ("good", udp_checksum))
                self.assertEqual((packet.sequence, packet.count), (frame.sequence, frame.count))
                self.assertEqual(packet.numbers, tuple(range(frame.sequence, frame.sequence + frame.count)))
                self.assert_messages(packet.messages, frame.messages)
                self.assertEqual((packet.dont_fragment, packet.ip_id), (True, 0))
                self.assertEqual(packet.ip_length, frame.ip_length)


def count_by_reason(samples):
    """{reasons: how many frames must be dropped for one of them}."""
    return collections.Counter(sample.reasons for sample in samples)
