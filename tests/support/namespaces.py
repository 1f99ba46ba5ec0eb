"""Two network namespaces: testbab in one, plain sockets in the other. The machine's own interfaces are not touched."""

import json
import os
import shutil
import subprocess

import testbab
from smoke_case import SmokeCase

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernel_peer.py")
OUR_ADDRESS, PEER_ADDRESS, PORT = "198.18.5.1", "198.18.5.2", 26477

OBSTACLE = ("only root can make network namespaces" if os.geteuid() else
            next((f"{tool} isn't installed" for tool in ("ip", "ethtool") if not shutil.which(tool)), None))


def do(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def obstacle():
    """The reason why there can be no namespace here, or None."""
    if OBSTACLE:
        return OBSTACLE
    name = f"bab-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"a network namespace can't be made: {made.stderr.strip()}"
    do("ip", "netns", "del", name)
    return None


CANNOT = obstacle()


class Namespaces(SmokeCase):
    """Two namespaces: testbab runs in `ours`, the sockets in `theirs`."""

    number = 0

    def setUp(self):
        super().setUp()
        Namespaces.number += 1
        self.ours, self.theirs = (f"bab-{side}-{os.getpid()}-{Namespaces.number}" for side in ("us", "them"))
        for name in self.ours, self.theirs:
            do("ip", "netns", "add", name)
            self.addCleanup(do, "ip", "netns", "del", name)
            # IPv6 would send frames of its own whenever an interface comes up.
            self.inside(name, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")

    def inside(self, name, *command):
        do("ip", "netns", "exec", name, *command)

    def start_inside(self, *app, vdevs, namespace=None):
        self.reports += 1
        report = self.path(f"report{self.reports}.json")
        command = testbab.arguments((*app, f"--json={report}"), vdevs=vdevs)
        process = testbab.Process(["ip", "netns", "exec", namespace or self.ours, *command], self.directory,
                                  report=report)
        self.addCleanup(lambda: process.process.poll() is None and process.process.kill())
        return process

    def peer(self, namespace, *arguments):
        peer = subprocess.Popen(["ip", "netns", "exec", namespace, "/usr/bin/python3", PEER, *map(str, arguments)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: peer.poll() is None and peer.kill())
        return peer

    def finish_peer(self, peer):
        out, err = peer.stdout.read(), peer.stderr.read()  # communicate() would lose what readline() has read ahead
        self.assertEqual(peer.wait(timeout=30), 0, err)
        return out

    def connect(self, mtu):
        do("ip", "link", "add", "bab0", "mtu", str(mtu), "netns", self.ours, "type", "veth",
           "peer", "name", "peer0", "mtu", str(mtu), "netns", self.theirs)
        self.inside(self.ours, "ip", "link", "set", "bab0", "up")
        self.inside(self.theirs, "ip", "link", "set", "peer0", "up")
        self.inside(self.theirs, "ip", "addr", "add", f"{PEER_ADDRESS}/24", "dev", "peer0")
        # Without this a veth carries partial checksums.
        self.inside(self.theirs, "ethtool", "-K", "peer0", "tx", "off")
        return "net_af_packet0,iface=bab0,framesz=16384,blocksz=65536"

    def introduce(self):
        """Tells the peers testbab's MAC address, because testbab answers no ARP. Gives the argument with theirs."""
        self.inside(self.theirs, "ip", "neigh", "add", OUR_ADDRESS, "lladdr", self.mac_of(self.ours, "bab0"),
                    "dev", "peer0")
        return f"--eth-peer=0,{self.mac_of(self.theirs, 'peer0')}"

    def mac_of(self, namespace, interface):
        shown = subprocess.run(["ip", "netns", "exec", namespace, "ip", "-j", "link", "show", interface], check=True,
                               capture_output=True, text=True).stdout
        return json.loads(shown)[0]["address"]
