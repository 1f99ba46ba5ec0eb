#!/usr/bin/python3
"""Addresses and default routes as the kernel has them, in a network namespace of the test's own."""

import json
import os
import subprocess
import sys
import unittest

import tap
from namespaces import CANNOT, do

LIBRARY = os.path.join(os.environ["BAB_SOURCE_ROOT"], "tools", "lib")
ASK = ("import json; from bab_bind import netlink;"
       "print(json.dumps([sorted(netlink.default_routes()), netlink.addresses()]))")


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
        routes, addresses = self.ask()
        self.assertEqual(routes, [])
        self.assertEqual({a for all_ in addresses.values() for a in all_ if not a.startswith("fe80:")}, set())

    def test_addresses(self):
        self.ip("addr", "add", "192.0.2.1/24", "dev", "a0")
        self.ip("addr", "add", "198.51.100.1", "peer", "198.51.100.2", "dev", "a0")
        self.ip("addr", "add", "2001:db8::1/64", "dev", "b0")
        self.ip("link", "set", "a0", "down")  # they stay
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


if __name__ == "__main__":
    tap.main()
