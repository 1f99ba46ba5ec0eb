#!/usr/bin/python3
"""`testbab` without arguments: no NIC, hugepages or root. A writer, a loopback port, every message checked."""

import json
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import testbab
from smoke_case import SmokeCase
from testbab import signal

SECONDS = 10 if testbab.LONG else 3
NOBODY = testbab.obstacle_for("nobody")


class LoopCase(SmokeCase):
    """Without `--`: the embedded default."""

    def loop(self, *app, **options):
        return self.run_testbab(*app, **{"eal": None, **options})

    def assert_arrived(self, run, count=None):
        """Every message that was sent was received, intact and in order."""
        self.assert_good(run)
        self.assertEqual(run.report["engine"], "loop")
        self.assertEqual(self.drops(run.report), {})
        bus = run.report["bus"]
        for what in "messages", "bytes", "frames":
            self.assertEqual(bus[f"{what}_in"], bus[f"{what}_out"], run)
        if count is None:
            self.assertGreater(bus["messages_in"], 1000, run)
        else:
            self.assertEqual(bus["messages_in"], count, run)
        self.assert_bytes_of_the_port(run.report, tagged=any("--vlan" in word for word in run.command.split()))

    def assert_bytes_of_the_port(self, report, tagged):
        """The ring port doesn't count bytes, so testbab does: headers, length prefixes, messages."""
        bus, port = report["bus"], report["ports"][0]
        headers = (18 if tagged else 14) + 48
        wanted = bus["frames_out"] * headers + bus["messages_out"] * 2 + bus["bytes_out"]
        self.assertEqual((port["tx_bytes"], port["rx_bytes"]), (wanted, wanted), report)


class Default(LoopCase):
    def test_runs_and_stops_in_time(self):
        run = self.loop("--duration=1")
        self.assert_arrived(run)
        self.assertTrue(0.9 <= run.report["seconds"] <= 3, run.report["seconds"])

    @unittest.skipIf(NOBODY, NOBODY)
    def test_32_byte_messages_as_nobody(self):
        run = self.loop("--msg-size=32", f"--duration={SECONDS}", user="nobody")
        self.assert_arrived(run)
        self.assertTrue(SECONDS - 0.1 <= run.report["seconds"] <= SECONDS + 2, run.report["seconds"])
        self.assertEqual(run.report["bus"]["bytes_in"], 32 * run.report["bus"]["messages_in"])

    def test_packs_messages_into_jumbo_frames(self):
        run = self.loop("--msg-size=32", "--count=100000")
        self.assert_arrived(run, 100000)
        self.assertGreater(run.report["ports"][0]["mtu"], 8000)
        self.assertLess(run.report["bus"]["frames_out"], 100000 // 20)

    def test_separator_with_nothing_before_it(self):
        self.assert_arrived(self.loop("--count=1000", eal=()), 1000)

    def test_engine_by_name(self):
        self.assert_arrived(self.loop("--forward-mode=loop", "--auto-start", "--count=1000"), 1000)

    def test_eal_arguments_without_a_port(self):
        run = self.loop("--count=1000", eal=(*testbab.PLAIN_EAL, "--lcores", "0@0,1@0,2@1"))
        self.assert_arrived(run, 1000)
        self.assertEqual({lcore["lcore"]: lcore["cpu"] for lcore in run.report["lcores"]}, {1: 0, 2: 1})

    def test_without_a_report(self):
        run = self.loop("--count=1000", report=None)
        self.assertEqual(run.status, 0, run)
        self.assert_no_noise(run)
        self.assertTrue(run.stdout.strip(), "no summary")


class Messages(LoopCase):
    def test_sizes(self):
        for size in "0", "1", "7", "32", "1000":
            with self.subTest(size=size):
                run = self.loop(f"--msg-size={size}", "--count=30000")
                self.assert_arrived(run, 30000)
                self.assertEqual(run.report["bus"]["bytes_in"], 30000 * int(size))

    def test_ranges(self):
        for smallest, largest in (0, 1), (20, 40), (1, 3000):
            with self.subTest(range=(smallest, largest)):
                run = self.loop(f"--msg-size={smallest}-{largest}", "--count=30000")
                self.assert_arrived(run, 30000)
                average = run.report["bus"]["bytes_in"] / 30000
                self.assertTrue(smallest < average < largest, average)

    def test_the_largest_that_fits(self):
        for mtu, size in (1500, 1450), (9000, 8950):
            with self.subTest(mtu=mtu):
                run = self.loop(f"--mtu={mtu}", f"--msg-size={size}", "--count=2000")
                self.assert_arrived(run, 2000)
                self.assertEqual((run.report["ports"][0]["mtu"], run.report["bus"]["frames_out"]), (mtu, 2000))

    def test_frame_length_as_testpmd_gives_it(self):
        """--max-pkt-len is MTU, Ethernet header, VLAN tag and CRC. It may be given with an --mtu that agrees."""
        for app in ("--max-pkt-len=9022",), ("--max-pkt-len=9022", "--mtu=9000"):
            with self.subTest(app=app):
                run = self.loop(*app, "--msg-size=8950", "--count=100")
                self.assert_arrived(run, 100)
                self.assertEqual(run.report["ports"][0]["mtu"], 9000)

    def test_one(self):
        run = self.loop("--count=1")
        self.assert_arrived(run, 1)
        self.assertEqual(run.report["bus"]["frames_out"], 1)


class Strangers(LoopCase):
    """Messages of sessions that aren't its own: neither a fault nor a substitute for what it sent."""

    def receive(self, session, count, *app, engine="loop"):
        """Reads a sender's capture instead of what it sends itself."""
        sender = self.run_testbab("--forward-mode=txonly", f"--count={count}", f"--session={session}", "--mtu=1500",
                                  vdevs=[f"net_pcap0,tx_pcap={self.path('in.pcap')}"])
        self.assert_good(sender)
        return self.run_testbab(f"--forward-mode={engine}", "--mtu=1500", *app,
                                vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}"])

    def row(self, run, name):
        row, = [term["out"] for term in run.report["ledger"]["terms"] if term["name"] == name]
        return row

    def test_none_of_its_own_comes_back(self):
        for engine in "loop", "flowgen":
            with self.subTest(engine=engine):
                run = self.receive("OTHER", 1000, "--count=1000", engine=engine)
                self.assert_ended(run, 1)
                self.assertEqual(run.report["bus"]["lost"], 1000)
                self.assertEqual(self.row(run, "messages received"), {"of its own sessions": 0, "foreign": 1000})
                self.assertEqual(self.row(run, "messages sent"), {"received": 0, "lost on the way": 1000})
                self.assertEqual(run.report["bus"]["corrupt"], 0)


class Shapes(LoopCase):
    """Other lcores, queues, bursts and pools than the default."""

    def test_one_worker(self):
        self.assert_arrived(self.loop("--nb-cores=1", "--count=100000"), 100000)

    def test_two_queues(self):
        self.assert_arrived(self.loop("--txq=2", "--rxq=2", "--count=100000"), 100000)

    def test_two_queues_one_worker(self):
        self.assert_arrived(self.loop("--nb-cores=1", "--txq=2", "--rxq=2", "--count=100000"), 100000)

    def test_bursts(self):
        for burst in 1, 64:
            with self.subTest(burst=burst):
                self.assert_arrived(self.loop(f"--burst={burst}", "--count=50000"), 50000)

    def test_short_rings(self):
        self.assert_arrived(self.loop("--txd=64", "--rxd=64", "--count=100000"), 100000)

    def test_few_buffers(self):
        """Writers wait for buffers. None may stay for ever in the cache of the lcore that receives."""
        for buffers in 4, 64, 200:
            with self.subTest(buffers=buffers):
                run = self.loop(f"--total-num-mbufs={buffers}", "--count=100000", timeout=10)
                self.assert_arrived(run, 100000)
                self.assertEqual([pool["buffers"] for pool in run.report["pools"]], [buffers])

    def test_few_buffers_and_no_cache(self):
        run = self.loop("--total-num-mbufs=4", "--mbcache=0", "--count=100000", timeout=10)
        self.assert_arrived(run, 100000)

    def test_caches_asked_for_that_would_keep_more_than_there_is(self):
        run = self.loop("--total-num-mbufs=100", "--mbcache=512", "--count=100000", timeout=10)
        self.assert_arrived(run, 100000)

    def test_headers(self):
        self.assert_arrived(self.loop("--vlan=9", "--tx-ip=10.0.0.1,239.1.2.3", "--tx-udp=5,6", "--session=LOOP",
                                      "--rx-udp-port=6", "--count=50000"), 50000)

    def test_checksums_in_software(self):
        self.assert_arrived(self.loop("--tx-checksum=sw", "--rx-checksum=sw", "--count=50000"), 50000)

    def test_no_checksums(self):
        self.assert_arrived(self.loop("--tx-checksum=off", "--rx-checksum=off", "--count=50000"), 50000)

    def test_little_delay(self):
        self.assert_arrived(self.loop("--max-delay-us=1", "--count=50000"), 50000)


class Signals(LoopCase):
    """A run that is stopped in the middle still drains: nothing is lost."""

    def interrupt(self, number, times=1, **options):
        process = self.start("--stats-period=1", **{"eal": None, **options})
        self.assertTrue(process.wait_until_it_says(lambda said: any(at > 1 for at, _, _ in said)), process.said)
        for _ in range(times):
            process.send(number)
            time.sleep(0.002)
        run = process.finish(15)
        self.assert_arrived(run)
        return run

    def test_interrupt(self):
        self.interrupt(signal.SIGINT)

    def test_terminate(self):
        self.interrupt(signal.SIGTERM)

    def test_signals_close_together(self):
        """timeout(1) sends a signal to the process and another one to its group."""
        self.interrupt(signal.SIGTERM, times=4)

    @unittest.skipIf(NOBODY, NOBODY)
    def test_interrupt_as_nobody(self):
        self.interrupt(signal.SIGINT, user="nobody")


class Output(LoopCase):
    def live_lines(self, run, stream):
        """Lines of live figures, by the second in which they came."""
        return {int(at) for at, name, line in run.said if name == stream and at > 0.9 and re.search(r"\d", line)}

    def test_live_rates_each_second(self):
        run = self.loop("--stats-period=1", "--duration=3")
        self.assert_arrived(run)
        self.assertGreaterEqual(len(self.live_lines(run, "stdout")), 2, run)
        self.assertEqual(self.live_lines(run, "stderr"), set(), run)

    def test_no_live_rates_unless_asked_for(self):
        run = self.loop("--duration=2")
        self.assert_arrived(run)
        self.assertEqual([line for at, _, line in run.said if 0.7 < at < run.seconds - 0.7], [], run)

    def test_json_alone_on_standard_output(self):
        run = self.loop("--stats-period=1", "--duration=3", report="-")
        self.assert_arrived(run)
        self.assertEqual(json.loads(run.stdout), run.report)
        self.assertEqual(list(run.report.items())[0], ("schema", 1))
        self.assertGreaterEqual(len(self.live_lines(run, "stderr")), 2, run)

    def test_summary_names_what_arrived(self):
        run = self.loop("--count=12345")
        self.assert_arrived(run, 12345)
        self.assertRegex(re.sub(r"(?<=\d)[,' _](?=\d{3})", "", run.stdout), r"\b12345\b")


if __name__ == "__main__":
    tap.main()
