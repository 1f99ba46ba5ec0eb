#!/usr/bin/python3
"""Several queues, and a kernel at the other end: virtio on a tap device, in its own network namespace (no root)."""

import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import images
import nics
import tap
from guest import Guest
from moldudp64 import packet
from nic_case import InGuest, Prompt, made_images
from smoke_case import SmokeCase

QUEUES, FLOWS, MESSAGES = 4, 16, 40
KERNEL, GUEST = "10.9.0.1", "10.9.0.2"
ONE = ("-l", "0-1", "-a", "$A")
INSIDE = "BAB_INSIDE_NAMESPACE"


class Tap:
    """A NIC's end of the cable; the other is the kernel's interface tap0."""

    def arguments(self, name):
        return ["-netdev", f"tap,id={name},ifname=tap0,script=no,downscript=no,queues={QUEUES},vnet_hdr=on"]


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


class OnATap(InGuest, SmokeCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        made = made_images()
        ip("tuntap", "add", "dev", "tap0", "mode", "tap", "multi_queue", "vnet_hdr")
        cls.addClassCleanup(ip, "link", "del", "tap0")
        ip("addr", "add", f"{KERNEL}/24", "dev", "tap0")
        ip("link", "set", "tap0", "up")
        ip("neigh", "add", GUEST, "lladdr", nics.mac(0), "dev", "tap0")
        cls.guest = Guest(cls.__name__, made, nics.NICS["virtio"], [Tap()], logs=os.path.join(images.LAB, "logs"),
                          device_options=("mq=on", f"vectors={2 * QUEUES + 2}", *cls.options))
        cls.close_after(cls.guest)

    def receive_flows(self, *app):
        """(port info, frames by queue, bus statistics, output) of a run with FLOWS sessions, each from a socket."""
        prompt = Prompt(self.guest, ONE, "--forward-mode=rxonly", f"--rxq={QUEUES}", f"--txq={QUEUES}", *app)
        self.addCleanup(prompt.kill)
        info, = prompt.ask("show port info 0 json")["ports"]
        prompt.say("start")
        self.assertTrue(prompt.ask("show config fwd json")["running"])
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for number in range(1, MESSAGES + 1):
            for flow, each in enumerate(sockets):
                each.sendto(packet(f"FLOW{flow}", number, [b"%d" % number]), (GUEST, 9))
            time.sleep(0.01)
        for each in sockets:
            each.close()
        time.sleep(0.5)
        prompt.say("stop")
        stats = prompt.ask("show bus stats json")
        xstats = prompt.ask("show port xstats 0 json")["ports"][0]["xstats"]
        said = prompt.said()
        self.assertEqual(prompt.finish().status, 0, said)
        return info, [xstats[f"rx_q{queue}_good_packets"] for queue in range(QUEUES)], stats, said

    def assert_in_order(self, stats):
        """A flow on two queues would be two streams, with gaps in both."""
        self.assertEqual(stats["messages_in"], FLOWS * MESSAGES, stats)
        self.assertEqual({reason: n for reason, n in stats["drops"].items() if n and reason != "not_ip"}, {})
        self.assertEqual((stats["streams"], stats["gaps"], stats["out_of_order"]), (FLOWS, 0, 0), stats)


class WithRss(OnATap):
    options = ("rss=on",)

    def test_each_flow_stays_on_one_queue_and_in_order(self):
        """And a datagram whose checksum the kernel left to its NIC is a good one, whoever verifies."""
        for app in (), ("--rx-checksum=sw",), ("--rx-checksum=hw",):
            with self.subTest(" ".join(app)):
                info, by_queue, stats, _ = self.receive_flows(*app)
                self.assertIn("ipv4-udp", info["rss"])
                by = info["offloads"]["rx udp checksum"]["by"]
                self.assertEqual(by, "software" if "sw" in str(app) else "device")
                self.assertGreaterEqual(sum(frames > 0 for frames in by_queue), 3, by_queue)
                self.assert_in_order(stats)

    def test_the_kernel_takes_checksums_of_the_device_and_of_software(self):
        mac = json.loads(ip("-j", "link", "show", "tap0"))[0]["address"]
        for choice in "hw", "sw", "off":
            with self.subTest(choice), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
                sink.bind((KERNEL, 9))
                sink.settimeout(5)
                run = self.guest.testbab("--forward-mode=txonly", "--count=50", "--flush-messages=1", "--msg-size=500",
                                         f"--tx-ip={GUEST},{KERNEL}", f"--eth-peer=0,{mac}", f"--tx-checksum={choice}",
                                         eal=ONE)
                self.assert_good(run)
                self.assertEqual([int.from_bytes(sink.recv(2000)[10:18], "big") for _ in range(50)], list(range(1, 51)))


class WithoutRss(OnATap):
    def test_it_is_said_and_nothing_is_lost(self):
        """Then the tap device spreads flows by itself."""
        info, _, stats, said = self.receive_flows()
        self.assertEqual(info["rss"], [])
        self.assertIn("net_virtio offers no hash functions (RSS)", said)
        self.assert_in_order(stats)


def obstacle():
    """Why no tap device can be had, or None."""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "there is no /dev/net/tun"
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True, check=False)
    return f"no user namespace can be made: {tried.stderr.strip()}" if tried.returncode else None


if __name__ == "__main__":
    if INSIDE in os.environ:
        tap.main()
    if why := obstacle():
        print(f"1..0 # SKIP {why}")
        sys.exit(0)
    os.execvpe("unshare", ["unshare", "-rn", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
