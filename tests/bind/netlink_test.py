#!/usr/bin/python3
"""Addresses and default routes from the kernel, in a network namespace of the test's own."""

import json
import os
import struct
import subprocess
import sys
import unittest
from unittest import mock

LIBRARY = os.path.join(os.environ["BAB_SOURCE_ROOT"], "tools", "lib")
sys.path.insert(0, LIBRARY)

import tap
from bab_bind import netlink
from namespaces import CANNOT, do

ASK = ("import json; from bab_bind import netlink;"
       "network = netlink.read();"
       "print(json.dumps([sorted(network.default_routes), network.addresses, network.interfaces]))")


@unittest.skipIf(CANNOT, CANNOT)
class Netlink(unittest.TestCase):
    def setUp(self):
        self.name = f"bab-bind-{os.getpid()}"
        do("ip", "netns", "add", self.name)
        self.addCleanup(do, "ip", "netns", "del", self.name)
        for one, other in (("a0", "a1"), ("b0", "b1")):
            self.ip("link", "add", one, "type", "veth", "peer", "name", other)
        for interface in ("a0", "a1", "b0", "b1"):
            self.ip("link", "set", interface, "up")

    def ip(self, *words):
        do("ip", "-n", self.name, *words)

    def ask(self):
        said = subprocess.run(["ip", "netns", "exec", self.name, sys.executable, "-c", ASK], check=True, text=True,
                              capture_output=True, env={**os.environ, "PYTHONPATH": LIBRARY}).stdout
        return json.loads(said)

    def test_nothing(self):
        routes, addresses, _ = self.ask()
        self.assertEqual(routes, [])
        self.assertEqual({a for all_ in addresses.values() for a in all_ if not a.startswith("fe80:")}, set())

    def test_interfaces(self):
        shown = subprocess.run(["ip", "-n", self.name, "-j", "link"], check=True, text=True, capture_output=True).stdout
        self.assertEqual(self.ask()[2], {link["ifname"]: link["ifindex"] for link in json.loads(shown)})

    def test_many_routes(self):
        """More than fit into one answer of the kernel. It must not take seconds."""
        self.ip("addr", "add", "192.0.2.1/24", "dev", "a0")
        lines = "".join(f"route add 10.{n >> 8}.{n & 255}.0/24 via 192.0.2.2\n" for n in range(5000))
        subprocess.run(["ip", "-n", self.name, "-batch", "-"], input=lines, text=True, check=True)
        self.ip("route", "add", "default", "dev", "b0", "table", "77")
        self.assertEqual(self.ask()[0], ["b0"])

    def test_addresses(self):
        self.ip("addr", "add", "192.0.2.1/24", "dev", "a0")
        self.ip("addr", "add", "198.51.100.1", "peer", "198.51.100.2", "dev", "a0")
        self.ip("addr", "add", "2001:db8::1/64", "dev", "b0")
        self.ip("link", "set", "a0", "down")  # the IPv4 addresses stay
        addresses = self.ask()[1]
        self.assertEqual(addresses["a0"], ["192.0.2.1/24", "198.51.100.1/32"])
        self.assertIn("2001:db8::1/64", addresses["b0"])

    def test_a_default_route(self):
        self.ip("addr", "add", "192.0.2.1/24", "dev", "a0")
        self.ip("route", "add", "203.0.113.0/24", "dev", "b0")
        self.assertEqual(self.ask()[0], [])
        self.ip("route", "add", "default", "via", "192.0.2.2")
        self.assertEqual(self.ask()[0], ["a0"])

    def test_of_another_table(self):
        self.ip("route", "add", "default", "dev", "b0", "table", "77")
        self.assertEqual(self.ask()[0], ["b0"])

    def test_of_ipv6(self):
        self.ip("-6", "route", "add", "default", "dev", "b0")
        self.assertEqual(self.ask()[0], ["b0"])

    def test_of_several_next_hops(self):
        for family, via in (("-4", ()), ("-6", ("via", "fe80::2"))):
            with self.subTest(family=family):
                self.ip(family, "route", "add", "default", "nexthop", *via, "dev", "a0", "nexthop", *via, "dev", "b0")
                self.assertEqual(self.ask()[0], ["a0", "b0"])
                self.ip(family, "route", "del", "default")

    def test_by_a_next_hop_object(self):
        self.ip("nexthop", "add", "id", "9", "dev", "a0")
        self.ip("route", "add", "default", "nhid", "9")
        self.assertEqual(self.ask()[0], ["a0"])


class Answers(unittest.TestCase):
    """A malformed answer of the kernel is an error, and no endless loop."""

    def test_what_has_no_end(self):
        header = struct.Struct("=IHHII")
        good = header.pack(28, 24, 0, 1, 0) + bytes(12)
        for answer in (b"", header.pack(0, 24, 0, 1, 0) * 2, header.pack(64, 24, 0, 1, 0),
                       good + header.pack(8, 24, 0, 1, 0)):  # fmt: skip
            with self.subTest(answer=answer), mock.patch("socket.socket") as kernel:
                kernel.return_value.__enter__.return_value.recv.side_effect = [answer] * 3
                with self.assertRaisesRegex(OSError, "broke off"):
                    netlink.default_routes({})

    def test_silence(self):
        with mock.patch("socket.socket") as kernel:
            kernel.return_value.__enter__.return_value.recv.side_effect = TimeoutError
            with self.assertRaisesRegex(OSError, "no answer"):
                netlink.addresses({})
            kernel.return_value.__enter__.return_value.settimeout.assert_called_once()


if __name__ == "__main__":
    tap.main()
