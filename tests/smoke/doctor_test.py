#!/usr/bin/python3
"""`testbab --doctor` on this machine. tests/unit/doctor tests it on other, made-up machines."""

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import testbab
from smoke_case import SmokeCase

TOPICS = {"run", "options", "hugepages", "nic", "iommu", "interface", "cpu", "threads", "user", "buffers"}


def default_route_device():
    """The PCI address (or other bus name) of the NIC with the IPv4 default route, or None."""
    with open("/proc/net/route", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[1] == "00000000" and words[7] == "00000000":
                path = os.path.realpath(f"/sys/class/net/{words[0]}/device")
                parts = [p for p in path.split("/") if p.count(":") == 2 and "." in p]
                return parts[-1] if parts else None
    return None


class Doctor(SmokeCase):
    def findings(self, *app, expected=0, **options):
        run = self.run_testbab("--doctor", "--json", *app, report=None, **options)
        self.assertEqual(run.status, expected, run)
        report = json.loads(run.stdout)
        self.assertEqual(list(report.items())[0], ("schema", 1))
        for finding in report["findings"]:
            self.assertIn(finding["topic"], TOPICS)
            self.assertIn(finding["level"], ("OK", "WARN", "FAIL"))
            self.assertTrue(finding["text"])
            self.assertEqual(finding["level"] == "OK", not finding["mend"], finding)
            self.assertNotIn("\n", finding["text"] + finding["mend"])
        for level in ("ok", "warn", "fail"):
            self.assertEqual(report[level], sum(f["level"] == level.upper() for f in report["findings"]))
        return report["findings"]

    def test_text(self):
        """A run without EAL arguments works everywhere: the doctor finds no FAIL."""
        run = self.run_testbab("--doctor", eal=None, report=None)
        self.assertEqual((run.status, run.stderr), (0, ""), run)
        lines = run.stdout.splitlines()
        self.assertEqual([line for line in lines if not line.startswith(("OK  ", "WARN", " ")) ], [])
        self.assertGreaterEqual({line.split()[1] for line in lines if not line.startswith(" ")},
                                {"hugepages", "nic", "iommu", "cpu", "user", "buffers"})

    def test_as_nobody(self):
        if obstacle := testbab.obstacle_for("nobody"):
            self.skipTest(obstacle)
        self.findings(eal=None, user="nobody")

    def test_what_fails(self):
        found = self.findings("--mtu=9000", "--mbuf-size=2048", expected=1,
                              eal=("-l", "0-1", "-m", "100000000", "-a", "ffff:1f.7"),
                              vdevs=["net_af_packet0,iface=no-such"])
        failed = {f["topic"]: f for f in found if f["level"] == "FAIL"}
        self.assertIn("--mbuf-size is 2048", failed["buffers"]["text"])
        self.assertIn("no interface no-such", failed["interface"]["text"])
        if "hugepages" in failed:  # a kernel without them has a warning
            self.assertRegex(failed["hugepages"]["mend"], r"^echo \d+ > /sys/.*/nr_hugepages$")
        else:
            self.assertTrue(any(f["topic"] == "hugepages" and f["level"] == "WARN" for f in found))
        self.assertIn("no PCI device", failed["nic"]["text"])

    def test_options_that_a_start_refuses(self):
        for eal, text in (("-l", "one"), "invalid value, -l one"), (("-l", "0-1", "--nonsense"), "option '--nonsense'"):
            found = self.findings(eal=eal, expected=1)
            self.assertEqual([text in f["text"] for f in found if f["level"] == "FAIL" and f["topic"] == "options"],
                             [True], found)

    def test_what_testbab_itself_refuses(self):
        for eal, app, text in (
                (("--no-huge", "-l", "0-1"), ("--msg-size=9000", "--mtu=1500"),
                 "a frame of MTU 1500 holds a message of at most"),
                (None, ("--forward-mode=txonly",), "txonly needs a port to send on"),
                (("--no-huge", "-l", "0-1", *(f"--vdev=net_null{i}" for i in range(3))), ("--forward-mode=relay",),
                 "relay uses at most 2 ports and 3 are named"),
                (("--no-huge", "-l", "0-1", "--no-pci"), ("--forward-mode=rxonly",),
                 "rxonly needs a port to receive on, and none is named"),
                (("--no-huge", "-l", "0-1", "--no-pci", "--vdev=crypto_null0"), ("--forward-mode=rxonly",),
                 "rxonly needs a port to receive on, and none is named"),
                (("--no-huge", "-l", "0-1", "--vdev=net_null0"), ("--forward-mode=replay",),
                 "replay sends the messages of a capture, and none is named"),
                (None, ("--forward-mode=flowgen", "--msg-size=4"), "--msg-size=4: flowgen's messages carry"),
                (None, ("--forward-mode=ping", "--msg-size=4"), "--msg-size=4: ping's messages carry"),
                (None, ("--forward-mode=ping", "--rate=0"), "--rate=0: ping takes the time"),
                (("--no-huge", "-l", "0-1"), ("--nb-cores=5",), "5 worker lcores are asked for, and there is 1")):
            found = self.findings(*app, eal=eal, expected=1)
            failed = [f for f in found if f["level"] == "FAIL" and f["topic"] in ("run", "cpu")]
            self.assertEqual([text in f["text"] for f in failed], [True], found)
            self.assertTrue(failed[0]["mend"], failed)

    def test_devices_that_are_no_ports_of_their_own(self):
        """Members of a bond, devices that are no NICs, and one that is named again."""
        bond = "--vdev=net_bonding0,mode=0,slave=net_null0,slave=net_null1,member=0000:ffff:1f.7"
        for eal in ((bond, "--vdev=net_null0", "--vdev=net_null1", "-a", "ffff:1f.7"),
                    ("--vdev=net_null0", "--vdev=crypto_null0", "--vdev=crypto_null1"),
                    ("-a", "ffff:1f.7", "-a", "ffff:1f.7", "-a", "ffff:1f.7,key=1")):
            run = self.run_testbab("--doctor", "--json", "--forward-mode=loop", report=None,
                                   eal=("--no-huge", "-l", "0-1", *eal))
            failed = [f for f in json.loads(run.stdout)["findings"] if f["level"] == "FAIL" and f["topic"] == "run"]
            self.assertEqual(failed, [], eal)

    def memory_needed(self, *app):
        """MiB of hugepages."""
        found = self.findings("--mtu=9000", *app, expected=1, eal=("-l", "0-1", "-a", "ffff:1f.7"))
        sizes = [re.search(r"(\d+) MiB are needed", f["text"]) for f in found if f["topic"] == "hugepages"]
        if not any(sizes):
            self.skipTest("this kernel has no hugepages")
        return max(int(size[1]) for size in sizes if size)

    def test_memory_for_the_largest_buffers(self):
        """As large as any NIC's driver may need: the doctor can't know which driver it will be."""
        self.assertGreaterEqual(self.memory_needed("--rxd=4096"), 4096 * 16512 >> 20)

    def test_memory_for_what_writers_hold(self):
        """Each writer has an open frame and a buffer set aside, as in the pools of a run."""
        few, many = (self.memory_needed(f"--writers={writers}") for writers in (2, 1024))
        self.assertGreaterEqual(many - few, (2 * 1022 * 9150 >> 20) - 1)

    def test_never_takes_the_default_route(self):
        device = default_route_device()
        if device is None:
            self.skipTest("no PCI device carries the default route")
        for eal in (None, ("-l", "0-1", "-a", device)):
            for finding in self.findings(eal=eal, expected=0 if eal is None else 1):
                self.assertFalse("devbind" in finding["mend"] and device in finding["mend"], finding)

    def test_report_in_a_file(self):
        run = self.run_testbab("--doctor", eal=None)
        self.assertEqual(run.status, 0, run)
        self.assertTrue(run.report["findings"])

    def test_refusals_come_first(self):
        run = self.run_testbab("--doctor", "--count=x", report=None)
        self.assert_refused(run, "--count")
        run = self.run_testbab("--doctor", report="/no-such-directory/file")
        self.assert_refused(run, "no-such-directory")


if __name__ == "__main__":
    tap.main()
