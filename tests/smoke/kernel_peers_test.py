#!/usr/bin/python3
"""testbab and plain UDP sockets, with a kernel between them: veth and net_af_packet, and net_tap.

Everything happens in network namespaces made here; the machine's own interfaces are not touched.
"""

import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
from namespaces import CANNOT, Namespaces, OUR_ADDRESS, PEER_ADDRESS, PORT, do

GROUP = "239.18.5.5"


def until(count):
    """Ends the run when so many messages came. On a busy machine a publisher begins only after seconds."""
    return f"--count={count}", "--idle-exit-ms=20000"


class Kernel(Namespaces):
    def subscriber(self, namespace, address, count):
        peer = self.peer(namespace, "subscribe", address, GROUP, PORT, count)
        self.assertEqual(peer.stdout.readline().strip(), "ready")
        return peer

    def publish(self, namespace, address, count, size, per_packet):
        self.finish_peer(self.peer(namespace, "publish", address, GROUP, PORT, count, size, per_packet))

    def assert_subscriber_got(self, subscriber, count, mtu, size):
        """All messages, in order, in packets as large as the MTU allows."""
        got = json.loads(self.finish_peer(subscriber))
        self.assertEqual((got["messages"], got["in_order"], got["sessions"]), (count, True, ["TESTBAB   "]))
        room = mtu - 28
        self.assertLessEqual(got["largest"], room)
        self.assertGreater(got["largest"] + 2 + size, room)
        return got

    def receive(self, process, publish, count):
        """Publishes when rxonly is up. Gives its run, which must have seen exactly this session's messages."""
        self.assertTrue(process.wait_until_it_says(lambda said: any("rx" in line for _, _, line in said)),
                        "no live text came")
        publish()
        run = process.finish()
        self.assert_good(run)
        bus = run.report["bus"]
        self.assertEqual((bus["messages_in"], bus["streams"], bus["missing"], bus["gaps"]), (count, 1, 0, 0), run)
        return run


@unittest.skipIf(CANNOT, CANNOT)
class Veth(Kernel):
    def send(self, mtu, *app):
        vdev, count, size = self.connect(mtu), 20000, 64
        subscriber = self.subscriber(self.theirs, PEER_ADDRESS, count)
        run = self.start_inside("--forward-mode=txonly", f"--mtu={mtu}", f"--count={count}", f"--msg-size={size}",
                                f"--tx-ip={OUR_ADDRESS},{GROUP}", f"--tx-udp=5000,{PORT}", "--max-delay-us=100000",
                                *app, vdevs=[vdev]).finish()
        self.assert_good(run)
        self.assertEqual(run.report["bus"]["messages_out"], count)
        return self.assert_subscriber_got(subscriber, count, mtu, size)

    def test_subscriber_at_1500(self):
        self.send(1500)

    def test_subscriber_at_9000(self):
        self.send(9000)

    def test_subscriber_of_frames_without_udp_checksum(self):
        self.send(1500, "--tx-checksum=off")

    def test_publisher(self):
        for mtu, per_packet in (1500, 10), (9000, 80):
            with self.subTest(mtu=mtu):
                vdev, count = self.connect(mtu), 4000
                process = self.start_inside("--forward-mode=rxonly", f"--mtu={mtu}", *until(count),
                                            f"--rx-udp-port={PORT}", "--stats-period=1", vdevs=[vdev])
                self.receive(process, lambda: self.publish(self.theirs, PEER_ADDRESS, count, 100, per_packet), count)
                self.inside(self.theirs, "ip", "link", "del", "peer0")

    def test_relay_between_kernels(self):
        """Small packets in at 1500, jumbo frames out at 9000: two ports."""
        inlet, count, size = self.connect(1500), 2000, 50
        do("ip", "link", "add", "bab1", "mtu", "9000", "netns", self.ours, "type", "veth",
           "peer", "name", "peer1", "mtu", "9000", "netns", self.theirs)
        self.inside(self.ours, "ip", "link", "set", "bab1", "up")
        self.inside(self.theirs, "ip", "link", "set", "peer1", "up")
        self.inside(self.theirs, "ip", "addr", "add", "198.18.6.2/24", "dev", "peer1")
        subscriber = self.subscriber(self.theirs, "198.18.6.2", count)
        process = self.start_inside(
            "--forward-mode=relay", "--mtu=1500,9000", "--max-delay-us=100000", *until(count), "--stats-period=1",
            f"--rx-udp-port={PORT}",
            f"--tx-ip=198.18.6.1,{GROUP}", f"--tx-udp=5000,{PORT}",
            vdevs=[inlet, "net_af_packet1,iface=bab1,framesz=16384,blocksz=65536"])
        self.assertTrue(process.wait_until_it_says(lambda said: any("rx" in line for _, _, line in said)))
        self.publish(self.theirs, PEER_ADDRESS, count, size, 5)
        run = process.finish()
        self.assert_good(run)
        got = json.loads(self.finish_peer(subscriber))
        self.assertEqual((got["messages"], got["in_order"]), (count, True))

    def test_frames_larger_than_the_interface_carries(self):
        vdev = self.connect(1500)
        run = self.start_inside("--forward-mode=txonly", "--mtu=9000", "--count=1", vdevs=[vdev]).finish()
        self.assert_refused(run, "9000", "1500", "bab0", "ip link set", r"lower the MTU \(--mtu\)$")

    def test_frames_larger_than_a_slot(self):
        self.connect(9000)
        run = self.start_inside("--forward-mode=txonly", "--mtu=9000", "--count=1",
                                vdevs=["net_af_packet0,iface=bab0"]).finish()
        self.assert_refused(run, "9018", "1982", "framesz=16384,blocksz=65536")

    def test_buffers_smaller_than_a_slot(self):
        vdev = self.connect(1500)
        run = self.start_inside("--forward-mode=rxonly", "--mbuf-size=2176", "--duration=1", vdevs=[vdev]).finish()
        self.assert_refused(run, "mbuf-size=2176", "16480")

    def test_the_interface_is_left_as_it_was(self):
        vdev = self.connect(9000)

        def state():
            shown = subprocess.run(["ip", "netns", "exec", self.ours, "ip", "-j", "link", "show", "bab0"], check=True,
                                   capture_output=True, text=True).stdout
            link = json.loads(shown)[0]
            return link["mtu"], sorted(link["flags"])

        before = state()
        run = self.start_inside("--forward-mode=txonly", "--mtu=1500", "--count=1000", vdevs=[vdev]).finish()
        self.assert_good(run)
        self.assertEqual(state(), before)


@unittest.skipIf(CANNOT or not os.path.exists("/dev/net/tun"), CANNOT or "there is no /dev/net/tun")
class Tap(Kernel):
    """The tap interface is in testbab's own namespace, and so are the sockets."""

    def give_address(self):
        self.inside(self.ours, "ip", "addr", "add", f"{PEER_ADDRESS}/24", "dev", "babtap")
        self.inside(self.ours, "ethtool", "-K", "babtap", "tx", "off")

    def wait_for_live_text(self, process):
        self.assertTrue(process.wait_until_it_says(lambda said: any(" s " in line for _, _, line in said)))

    def test_publisher(self):
        count = 2000
        process = self.start_inside("--forward-mode=rxonly", *until(count), "--stats-period=1",
                                    f"--rx-udp-port={PORT}", vdevs=["net_tap0,iface=babtap"])
        self.wait_for_live_text(process)
        self.give_address()
        self.receive(process, lambda: self.publish(self.ours, PEER_ADDRESS, count, 100, 10), count)

    def test_subscriber(self):
        process = self.start_inside("--forward-mode=txonly", "--duration=4", "--stats-period=1", "--msg-size=1450",
                                    "--burst=4", f"--tx-ip={OUR_ADDRESS},{GROUP}", f"--tx-udp=5000,{PORT}",
                                    vdevs=["net_tap0,iface=babtap"])
        self.wait_for_live_text(process)
        self.give_address()
        # It joins a stream that runs: the numbers don't begin at 1, and a flood doesn't all fit a socket.
        subscriber = self.subscriber(self.ours, PEER_ADDRESS, 500)
        got = json.loads(self.finish_peer(subscriber))
        self.assertEqual((got["messages"], got["packets"], got["sessions"]), (500, 500, ["TESTBAB   "]))
        self.assert_good(process.finish())

    def test_frames_that_wait_for_the_interface_are_no_errors(self):
        """Until the bus knows that the link is down, the driver refuses each frame again and again, and counts that."""
        process = self.start_inside("--forward-mode=txonly", "--duration=30", "--rate=1k", "--stats-period=1",
                                    vdevs=["net_tap0,iface=babtap"])
        self.wait_for_live_text(process)
        for state in "down", "up":
            self.inside(self.ours, "ip", "link", "set", "babtap", state)
            self.assertTrue(process.wait_until_it_says(lambda said: any(f"link {state}" in line for *_, line in said)))
        process.send(signal.SIGINT)
        run = process.finish()
        self.assert_good(run)
        self.assertEqual(self.drops(run.report), {}, run)
        given, = [term for term in run.report["ledger"]["terms"] if "given to the driver" in term["name"]]
        self.assertEqual(given["out"], {"sent": given["in"], "tx_errors": 0}, run)

    def test_jumbo_frames_are_refused(self):
        run = self.start_inside("--forward-mode=txonly", "--mtu=9000", "--count=1",
                                vdevs=["net_tap0,iface=babtap"]).finish()
        self.assert_refused(run, "9000", "1500", "babtap", r"lower the MTU \(--mtu\)$")


if __name__ == "__main__":
    tap.main()
