"""For tests of tools/bind: a machine made of files, on which bab-bind runs."""

import io
import os
import unittest
from unittest import mock

from fake_machine import DEVICES, FakeMachine

from bab_bind import cli, netlink  # fake_machine has added its folder to the path

PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"


class OnAMachine(unittest.TestCase):
    def setUp(self):
        self.machine = FakeMachine()
        self.addCleanup(self.machine.remove)
        self.machine.file("/sys/bus/pci/drivers_probe", "")
        self.routes, self.addresses = set(), {}
        self.elsewhere = set()  # interfaces of other network namespaces
        self.enterContext(mock.patch("os.geteuid", return_value=0))

    def run_bind(self, *arguments, expected=0):
        out, err = io.StringIO(), io.StringIO()
        self.machine.begin()
        try:
            with mock.patch("sys.stderr", err):
                code = cli.main(list(arguments), self.machine, self.network(), out, err)
        except SystemExit as end:
            code = end.code
        self.said, self.complained = out.getvalue(), err.getvalue()
        self.assertEqual(code, expected, self.said + self.complained)
        return self.said

    def network(self):
        here = {name: index for name, index in self.machine.indices.items() if name not in self.elsewhere}
        return netlink.Network(self.routes, self.addresses, here)

    def reboot(self):
        """A boot: the kernel forgets its state, and driverctl and sysctl do what files tell them."""
        self.boots = getattr(self, "boots", 1) + 1
        self.machine.file("/proc/sys/kernel/random/boot_id", f"boot-{self.boots}\n")
        self.machine.boot()

    def driver_of(self, address):
        return self.machine.link(f"{DEVICES}/{address}/driver")

    def override_of(self, address):
        return self.machine.read(f"{DEVICES}/{address}/driver_override")

    def everything(self):
        """All files and links of the machine, with their contents."""
        found = {}
        for folder, folders, files in os.walk(self.machine.root):
            for name in folders + files:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    found[path] = os.readlink(path)
                elif os.path.isfile(path):
                    with open(path, encoding="utf-8") as file:
                        found[path] = file.read()
        return found
