#!/usr/bin/python3
"""Faults of the past that fit in no other file."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import pcapfile
import tap
import testbab
from captures import Stream, small_messages
from smoke_case import SmokeCase


class Counts(SmokeCase):
    def test_the_largest_count_is_not_none_at_all(self):
        for count in 2**64 - 1, 2**64 - 2:
            with self.subTest(count=count):
                run = self.run_testbab(f"--count={count}", "--duration=0.2", eal=None)
                self.assert_good(run)
                self.assertGreater(run.report["bus"]["messages_out"], 0)


class Sessions(SmokeCase):
    def test_a_name_that_looks_like_that_of_another_queue(self):
        """Two queues then sent one session, and each message was out of order."""
        run = self.run_testbab("--txq=2", "--session=ABCDEFGH.1", "--count=1000", eal=None)
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["streams"], 2)

    def test_rxonly_does_not_take_the_relays_messages_for_a_generators(self):
        """They were sent under testbab's own name, and every payload counted as corrupt."""
        source = Stream("OTHERS")
        frames = [source.frame(small_messages(10, 8, 40, seed)) for seed in range(20)]
        run, relayed = self.relay(frames)
        self.assert_good(run)
        run = self.rxonly(relayed)
        self.assert_good(run)
        self.assertEqual((run.report["bus"]["messages_in"], run.report["bus"]["missing"]), (200, 0))


class Captures(SmokeCase):
    def test_one_for_each_queue(self):
        """What was in the second file counted as missing in the first."""
        paths = [self.path("first.pcap"), self.path("second.pcap")]
        run = self.run_testbab("--forward-mode=txonly", "--txq=2", "--count=1000",
                               vdevs=["net_pcap0," + ",".join(f"tx_pcap={path}" for path in paths)])
        self.assert_good(run)
        self.assertEqual(sum(len(pcapfile.read(path)) for path in paths), run.report["bus"]["frames_out"])



class Totals(SmokeCase):
    def test_bytes_are_those_of_the_messages_that_went_out(self):
        """Those of messages that were dropped at the stop were among them."""
        run = self.run_testbab("--forward-mode=txonly", "--duration=0.1", "--total-num-mbufs=2000", "--mbcache=0",
                               "--msg-size=32", vdevs=["net_ring0"])  # a ring of 1023 frames, which nobody reads
        self.assert_ended(run, 1)
        bus = run.report["bus"]
        self.assertGreater(bus["lost"], 0)
        self.assertEqual(bus["bytes_out"], 32 * bus["messages_out"])


class Streams(SmokeCase):
    def sent(self, *app):
        run, frames = self.txonly("--count=500", "--mtu=1500", *app)
        self.assert_good(run)
        return frames

    def test_two_sessions_relayed_into_one_are_not_corrupt(self):
        """The first message gave the stream away as testbab's, and the other session's weren't what it expected."""
        one, other = self.sent("--session=ONE"), self.sent("--session=OTHER")
        mixed = [frame for pair in zip(one, other) for frame in pair]
        run, relayed = self.relay(mixed, "--mtu=1500")
        self.assert_good(run)
        run = self.rxonly(relayed)
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["messages_in"], 1000)

    def test_a_sender_that_begins_again_is_no_disorder(self):
        run = self.rxonly(self.sent() * 2)
        self.assert_good(run)
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["restarts"], bus["out_of_order"]), (1000, 1, 0))


class Names(SmokeCase):
    def test_a_device_named_in_no_encoding(self):
        """The report threw, and the program was ended."""
        run = self.run_testbab("--forward-mode=txonly", "--count=1", vdevs=["net_null\udcff"])
        self.assert_good(run)


class Eal(SmokeCase):
    def test_memory_modes_that_exclude_each_other_only_if_both_were_asked_for(self):
        """It spoke of --in-memory, which nobody had given."""
        run = self.run_testbab("--count=1", eal=("--legacy-mem", "--no-pci", "--no-telemetry"))
        self.assertNotIn("in-memory", run.stderr)


@unittest.skipIf(os.geteuid() != 0, "only root can open packet sockets")
class Interfaces(SmokeCase):
    """Two ends of a cable without a kernel's address: nothing but the other end's frames arrives."""

    def setUp(self):
        super().setUp()
        self.name = f"bab-again-{os.getpid()}"
        made = subprocess.run(["ip", "netns", "add", self.name], capture_output=True, text=True, check=False)
        if made.returncode:
            self.skipTest(f"a network namespace can't be made: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["ip", "netns", "del", self.name], check=True)
        self.inside("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
        for end in "one", "two":
            self.inside("ip", "link", "set", end, "up")

    def inside(self, *command):
        subprocess.run(["ip", "netns", "exec", self.name, *command], check=True)

    def start_inside(self, *app, vdev):
        report = self.path(f"{vdev.split(',')[0]}.json")
        command = testbab.arguments((*app, f"--json={report}"), vdevs=[vdev])
        process = testbab.Process(["ip", "netns", "exec", self.name, *command], self.directory, report=report)
        self.addCleanup(lambda: process.process.poll() is None and process.process.kill())
        return process

    def test_what_arrives_where_nobody_receives_is_no_loss(self):
        """txonly ended with 1: the frames that came meanwhile overflowed a queue that nobody read."""
        flood = self.start_inside("--forward-mode=txonly", "--duration=4", "--stats-period=1",
                                  vdev="net_af_packet0,iface=two")
        self.assertTrue(flood.wait_until_it_says(lambda said: any("tx" in line for _, _, line in said)))
        run = self.start_inside("--forward-mode=txonly", "--duration=1.5", vdev="net_pcap0,iface=one").finish()
        flood.finish()
        self.assert_good(run)
        self.assertGreater(run.report["ports"][0]["rx_missed"], 0, "the case was not met")
        self.assertEqual(self.drops(run.report), {})

    def test_slots_larger_than_a_buffer_can_be(self):
        """The size wrapped round: `buffers of 96 bytes hold no data`."""
        run = self.start_inside("--forward-mode=rxonly", vdev="net_af_packet0,iface=one,framesz=65536,blocksz=65536")
        self.assert_refused(run.finish(), "65535", "framesz")


if __name__ == "__main__":
    tap.main()
