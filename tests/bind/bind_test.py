#!/usr/bin/python3
"""tools/bind on machines made of files; on real devices it is tried in tests/nic."""

import io
import json
import os
import re
import subprocess
import sys
import unittest
from unittest import mock

ROOT = os.environ["BAB_SOURCE_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))

import tap
from bab_bind import cli, hugepages, state
from fake_machine import DEVICES, FakeMachine

A, B = "0000:01:00.0", "0000:01:00.1"
PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"


class OnAMachine(unittest.TestCase):
    def setUp(self):
        self.machine = FakeMachine()
        self.addCleanup(self.machine.remove)
        self.machine.file("/sys/bus/pci/drivers_probe", "")
        self.routes, self.addresses = set(), {}
        self.enterContext(mock.patch("os.geteuid", return_value=0))

    def run_bind(self, *arguments, expected=0):
        out, err = io.StringIO(), io.StringIO()
        try:
            with mock.patch("sys.stderr", err):
                code = cli.main(list(arguments), self.machine, (self.routes, self.addresses), out, err)
        except SystemExit as end:
            code = end.code
        self.said, self.complained = out.getvalue(), err.getvalue()
        self.assertEqual(code, expected, self.said + self.complained)
        return self.said

    def driver_of(self, address):
        return self.machine.link(f"{DEVICES}/{address}/driver")

    def override_of(self, address):
        return self.machine.read(f"{DEVICES}/{address}/driver_override")

    def everything(self):
        """All files and links of the machine, with what is in them."""
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


class Looking(OnAMachine):
    def test_what_there_is(self):
        self.machine.nic(A, "eth1", flags=0x1003)
        self.machine.file("/sys/class/net/eth1/carrier", "1\n")
        self.machine.file("/sys/class/net/eth1/speed", "2500\n")
        self.machine.nic(B, driver=None, group=None)
        self.machine.file(f"{DEVICES}/0000:00:1f.0/class", "0x060100\n")  # a bridge
        self.addresses = {"eth1": ["192.0.2.1/24"]}
        before = self.everything()
        report = json.loads(self.run_bind("--json"))
        self.assertEqual(report["schema"], 1)
        first, second = report["nics"]
        self.assertEqual((first["address"], first["device"], first["driver"], first["interfaces"]),
                         (A, "8086:1520", "igb", ["eth1"]))
        self.assertEqual((first["link"], first["mbit_per_s"], first["numa_node"], first["iommu_group"]),
                         ("up", 2500, 1, "7"))
        self.assertEqual((first["default_route"], first["addresses"]), (False, ["192.0.2.1/24"]))
        self.assertEqual((second["driver"], second["iommu_group"], second["link"]), (None, None, None))
        self.assertEqual(second["uses"], [])
        self.assertEqual([p["node"] for p in report["hugepages"] if p["page_kib"] == 2048], [0, 1])
        self.assertEqual(report["iommu_groups"], 1)
        text = self.run_bind()
        self.assertRegex(text, rf"(?m)^{A} +8086:1520 +igb +eth1 +up +2.5 +1 +7 +eth1 has the address 192.0.2.1/24$")
        self.assertRegex(text, rf"(?m)^{B} +8086:1520 +- +- +- +- +1 +- +no$")
        self.assertIn("IOMMU: on, 1 groups", text)
        self.assertEqual(self.everything(), before)

    def test_virtio_has_its_interface_a_folder_deeper(self):
        self.machine.nic(A, driver="virtio-pci")
        self.machine.file(f"{DEVICES}/{A}/virtio0/net/ens3/x", "")
        self.machine.interface("ens3")
        self.routes = {"ens3"}
        self.assertIn("ens3 carries the default route", self.run_bind())

    def test_a_machine_without_anything(self):
        for folder in ("/sys/devices/system/node", "/sys/kernel/mm"):
            subprocess.run(["rm", "-r", self.machine.path(folder)], check=True)
        text = self.run_bind()
        self.assertIn("no NIC on PCI", text)
        self.assertIn("this kernel has no hugepages", text)
        self.run_bind("--hugepages=4", expected=2)
        self.assertIn("no hugepages", self.complained)


class InUse(OnAMachine):
    """A NIC that somebody needs is left alone."""

    def setUp(self):
        super().setUp()
        self.machine.nic(A, "eth1")

    def expect_refused(self, why):
        before = self.everything()
        for arguments in (("--bind=vfio-pci", A), ("--bind=vfio-pci", "eth1", "--yes"), ("--unbind", A, "--yes"),
                          ("--bind=uio_pci_generic", "01:00.0", "--yes")):
            if "eth1" in arguments and not self.machine.exists(f"{DEVICES}/{A}/net/eth1"):
                continue
            self.run_bind(*arguments, expected=2)
            self.assertIn(why, self.complained)
            self.assertIn("--force", self.complained)
            self.assertEqual(self.machine.ran, [])
        self.machine.put("/var/lib/bab/bind.json", None)
        self.assertEqual(self.everything(), before)
        self.run_bind("--bind=vfio-pci", A, "--force")
        self.assertIn(f"{A} is taken although", self.complained)

    def test_by_the_default_route(self):
        self.routes = {"eth1"}
        self.expect_refused("eth1 carries the default route")

    def test_by_an_address(self):
        self.addresses = {"eth1": ["192.0.2.7/24"]}
        self.expect_refused("eth1 has the address 192.0.2.7/24")

    def test_by_an_ipv6_address(self):
        self.addresses = {"eth1": ["2001:db8::7/64"]}
        self.expect_refused("eth1 has the address 2001:db8::7/64")

    def test_through_a_vlan_on_a_bridge_on_a_bond(self):
        self.machine.interface("bond0", over=["eth1"])
        self.machine.symlink("/sys/class/net/eth1/master", "../bond0")
        self.machine.interface("br0", over=["bond0"])
        self.machine.interface("br0.5", over=["br0"])
        self.addresses = {"br0.5": ["192.0.2.7/24"]}
        self.expect_refused("br0.5, which is over eth1, has the address")
        self.addresses, self.routes = {}, {"br0"}
        self.expect_refused("br0, which is over eth1, carries the default route")

    def test_as_part_of_another_without_address(self):
        self.machine.symlink("/sys/class/net/eth1/master", "../ovs-system")
        self.expect_refused("eth1 is part of ovs-system")

    def test_by_being_up(self):
        self.machine.interface("eth1", flags=0x1003)
        self.addresses = {"eth1": ["fe80::5054:ff:fe00:a/64"]}  # which comes by itself
        self.expect_refused("ip link set eth1 down")

    def test_in_another_network_namespace(self):
        subprocess.run(["rm", "-r", self.machine.path(f"{DEVICES}/{A}/net")], check=True)
        self.expect_refused("another network namespace")

    def test_by_virtual_functions(self):
        self.machine.file(f"{DEVICES}/{A}/sriov_numvfs", "4\n")
        self.expect_refused("4 virtual functions")

    def test_by_a_driver_that_dpdk_works_beside(self):
        self.machine.nic("0000:02:00.0", "eth2", driver="mlx5_core")
        self.run_bind("--bind=vfio-pci", "eth2", expected=2)
        self.assertIn("DPDK works beside mlx5_core", self.complained)

    def test_by_a_process_even_with_force(self):
        self.machine.nic(B, driver="vfio-pci", group="8")
        self.machine.symlink("/proc/4711/fd/9", "/dev/vfio/8")
        self.machine.file("/proc/4711/comm", "testbab\n")
        for force in ((), ("--force", )):
            self.run_bind("--bind=kernel", B, "--yes", *force, expected=2)
            self.assertIn("being used by testbab (4711)", self.complained)


class Binding(OnAMachine):
    def setUp(self):
        super().setUp()
        self.machine.nic(A, "eth1")
        self.machine.nic(B, "eth2")

    def expect_there_and_back(self, *arguments, driver="vfio-pci"):
        before = self.everything()
        self.run_bind(*arguments, A, "eth2", "--yes")
        self.assertEqual((self.driver_of(A), self.driver_of(B)), (driver, driver))
        self.run_bind("--undo")
        self.assertEqual(self.driver_of(A), driver)
        self.run_bind("--undo", "--yes")
        after = self.everything()
        self.assertEqual((self.driver_of(A), self.driver_of(B)), ("igb", "igb"))
        self.assertEqual({p: t for p, t in after.items() if p in before or "/drivers/" not in p}, before)
        self.assertFalse(self.machine.exists(state.PATH))
        self.assertEqual(self.run_bind("--undo", "--yes"), "nothing to restore\n")

    def test_dry_run_shows_what_the_run_does(self):
        before = self.everything()
        shown = self.run_bind("--bind=vfio-pci", A, "--hugepages=8")
        self.assertEqual(self.everything(), before)
        self.assertEqual(self.machine.ran, [])
        self.assertEqual(shown.splitlines(), [
            "modprobe vfio-pci",
            f"echo {A} > {DEVICES}/{A}/driver/unbind",
            f"echo vfio-pci > {DEVICES}/{A}/driver_override",
            f"echo {A} > /sys/bus/pci/drivers_probe",
            f"echo 8 > {PAGES}",
        ])  # fmt: skip
        self.assertIn("--yes does it", self.complained)
        self.assertEqual(self.run_bind("--bind=vfio-pci", A, "--hugepages=8", "--yes"), shown)
        self.assertEqual((self.driver_of(A), self.machine.number(PAGES)), ("vfio-pci", 8))
        self.assertEqual(self.run_bind("--bind=vfio-pci", A, "--hugepages=8", "--yes"),
                         "nothing to do: it is so already\n")

    def test_a_module_is_loaded_once(self):
        self.assertEqual(self.run_bind("--bind=vfio-pci", A, B).count("modprobe"), 1)

    def test_by_files(self):
        self.expect_there_and_back("--bind=vfio-pci")

    def test_uio(self):
        self.expect_there_and_back("--bind=uio_pci_generic", driver="uio_pci_generic")

    def test_by_driverctl(self):
        self.machine.programs = {"driverctl", "dpdk-devbind.py"}
        self.expect_there_and_back("--bind=vfio-pci")
        self.assertIn(["driverctl", "--nosave", "set-override", A, "vfio-pci"], self.machine.ran)

    def test_by_driverctl_at_boot(self):
        self.machine.programs = {"driverctl"}
        self.machine.file(f"/etc/driverctl.d/pci-{B}", "other\n")
        self.expect_there_and_back("--bind=vfio-pci", "--at-boot")
        self.assertIn(["driverctl", "set-override", A, "vfio-pci"], self.machine.ran)
        self.assertFalse(self.machine.exists(f"/etc/driverctl.d/pci-{A}"))
        self.assertEqual(self.machine.read(f"/etc/driverctl.d/pci-{B}"), "other")

    def test_at_boot_takes_driverctl(self):
        self.run_bind("--bind=vfio-pci", A, "--at-boot", expected=2)
        self.assertIn("apt-get install driverctl", self.complained)

    def test_by_devbind(self):
        self.machine.programs = {"dpdk-devbind.py"}
        self.expect_there_and_back("--bind=vfio-pci")
        self.assertIn(["dpdk-devbind.py", "--bind=vfio-pci", A], self.machine.ran)

    def test_unbind_and_back(self):
        before = self.driver_of(A)
        self.run_bind("--unbind", A, "--yes")
        self.assertIsNone(self.driver_of(A))
        self.run_bind("--undo", "--yes")
        self.assertEqual(self.driver_of(A), before)

    def test_the_kernels_own(self):
        self.run_bind("--bind=vfio-pci", A, "--yes")
        self.run_bind("--bind=kernel", A, "--yes")
        self.assertEqual((self.driver_of(A), self.override_of(A)), ("igb", "(null)"))

    def test_several_changes_are_undone_to_the_first(self):
        for driver in ("vfio-pci", "uio_pci_generic", "vfio-pci"):
            self.run_bind(f"--bind={driver}", A, "--yes")
        self.run_bind("--undo", "--yes")
        self.assertEqual((self.driver_of(A), self.override_of(A)), ("igb", "(null)"))

    def test_a_driver_that_does_not_take_it_is_noticed(self):
        self.machine.refuse = {(A, "vfio-pci"): True}
        for programs in ((), ("driverctl", ), ("dpdk-devbind.py", )):
            self.machine.programs = set(programs)
            self.run_bind("--bind=vfio-pci", A, "--yes", expected=1)
            self.assertIn(f"the driver of {A} is none and not vfio-pci; dmesg", self.complained)
            self.run_bind("--undo", "--yes")
            self.assertEqual(self.driver_of(A), "igb")

    def test_what_was_interrupted_can_be_undone(self):
        self.machine.die_at = "/sys/bus/pci/drivers_probe"
        with self.assertRaises(KeyboardInterrupt):
            self.run_bind("--bind=vfio-pci", A, "--yes")
        self.assertIsNone(self.driver_of(A))
        self.machine.die_at = None
        self.run_bind("--undo", "--yes")
        self.assertEqual((self.driver_of(A), self.override_of(A)), ("igb", "(null)"))

    def test_a_reboot_has_undone_it(self):
        self.run_bind("--bind=vfio-pci", A, "--yes")
        self.machine.file("/proc/sys/kernel/random/boot_id", "boot-2\n")
        self.assertEqual(self.run_bind("--undo", "--yes"), "nothing to restore\n")
        self.assertEqual(self.driver_of(A), "vfio-pci")

    def test_a_module_that_is_not_there(self):
        self.machine.modules.clear()
        self.run_bind("--bind=vfio-pci", A, "--yes", expected=1)
        self.assertIn("Module vfio-pci not found", self.complained)
        self.assertEqual(self.driver_of(A), "igb")

    def test_vfio_needs_an_iommu_group(self):
        self.machine.nic("0000:02:00.0", "eth3", group=None)
        self.run_bind("--bind=vfio-pci", "eth3", "--yes", expected=2)
        self.assertIn("intel_iommu=on", self.complained)
        self.assertIn("--bind=uio_pci_generic", self.complained)
        self.run_bind("--bind=uio_pci_generic", "eth3", "--yes")

    def test_a_shared_group_is_said(self):
        self.run_bind("--bind=vfio-pci", A)
        self.assertIn(f"{A} shares IOMMU group 7 with {B} (igb)", self.complained)

    def test_what_is_no_nic(self):
        for name in ("eth9", "0000:09:00.0", "01:00.0/../../x", "", "$(reboot)", "0000:00:1f.0", "*"):
            self.run_bind("--bind=vfio-pci", name, "--yes", expected=2)
            self.assertIn("no NIC of this machine", self.complained)
        self.assertEqual(self.machine.ran, [])

    def test_what_is_no_driver(self):
        for name in ("vfio", "../x", "-f", "", "vfio-pci;reboot"):
            self.run_bind(f"--bind={name}", A, "--yes", expected=2)
            self.assertIn("the kernel has no such PCI driver", self.complained)
        self.assertEqual(self.machine.ran, [])

    def test_takes_root(self):
        with mock.patch("os.geteuid", return_value=1000):
            self.run_bind("--bind=vfio-pci", A)
            self.run_bind("--bind=vfio-pci", A, "--yes", expected=2)
        self.assertIn("takes root", self.complained)

    def test_json(self):
        report = json.loads(self.run_bind("--bind=vfio-pci", A, "--json"))
        self.assertEqual((report["done"], report["plan"][0]), (False, "modprobe vfio-pci"))
        self.assertEqual(report["nics"][0]["driver"], "igb")
        report = json.loads(self.run_bind("--bind=vfio-pci", A, "--json", "--yes"))
        self.assertEqual((report["done"], report["nics"][0]["driver"]), (True, "vfio-pci"))


class Hugepages(OnAMachine):
    def test_there_and_back(self):
        self.run_bind("--hugepages=64", "--yes")
        self.run_bind("--hugepages=2", "--page-size=1G", "--node=1", "--yes")
        gigabyte = "/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/nr_hugepages"
        self.assertEqual((self.machine.number(PAGES), self.machine.number(gigabyte)), (64, 2))
        self.run_bind("--undo", "--yes")
        self.assertEqual((self.machine.number(PAGES), self.machine.number(gigabyte)), (0, 0))

    def test_fewer_than_asked_for(self):
        self.machine.most_pages = 40
        self.run_bind("--hugepages=64", "--yes", expected=1)
        self.assertIn("the number of 2M hugepages is 40 and not 64", self.complained)
        self.assertIn("--at-boot", self.complained)

    def test_at_boot(self):
        self.run_bind("--hugepages=64", "--at-boot", "--yes")
        self.assertIn("\nvm.nr_hugepages = 64\n", self.machine.read(hugepages.AT_BOOT_SYSCTL) + "\n")
        self.machine.file("/proc/sys/kernel/random/boot_id", "boot-2\n")
        self.run_bind("--undo", "--yes")
        self.assertFalse(self.machine.exists(hugepages.AT_BOOT_SYSCTL))

    def test_at_boot_by_grub(self):
        arguments = ("--hugepages=4", "--page-size=1G", "--node=0", "--at-boot", "--yes")
        self.run_bind(*arguments, expected=2)
        self.assertIn('add "hugepagesz=1G hugepages=0:4"', self.complained)
        self.machine.programs = {"update-grub"}
        self.run_bind(*arguments)
        self.assertIn('GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX hugepagesz=1G hugepages=0:4"',
                      self.machine.read(hugepages.AT_BOOT_GRUB))
        self.run_bind("--undo", "--yes")
        self.assertFalse(self.machine.exists(hugepages.AT_BOOT_GRUB))
        self.assertEqual(self.machine.ran, [["update-grub"]] * 2)

    def test_refusals(self):
        for arguments, why in (
            (("--hugepages=4", "--page-size=4M"), "2M, 1G"),
            (("--hugepages=4", "--page-size=x"), "2M or 1G"),
            (("--hugepages=4", "--node=2"), "node 0, node 1"),
            (("--hugepages=-1", ), "from 0 to"),
            (("--page-size=2M", ), "--hugepages"),
            (("--at-boot", ), "--hugepages"),
            (("--undo", "--hugepages=4"), "leave the rest out"),
            (("--bind=vfio-pci", ), "name the NICs"),
            (("eth1", ), "what shall become of eth1"),
            (("--unbind", "-b", "x", "y"), "exclude"),
        ):  # fmt: skip
            self.run_bind(*arguments, "--yes", expected=2)
            self.assertIn(why, self.complained)


class StateFile(OnAMachine):
    def test_nonsense_is_refused(self):
        def kept(what, key, before=None):
            entry = {"what": what, "key": key, "before": before}
            return json.dumps({"schema": 1, "boot": "boot-1", "entries": [entry]})

        for text in ("", "{", "[]", kept("file", "/etc/shadow"), kept("pages", "/sys/power/state", 1),
                     kept("shell", "x"), kept("file", "/etc/driverctl.d/pci-../x", ""), kept("nic", "../../x")):
            self.machine.file(state.PATH, text)
            self.run_bind("--undo", "--yes", expected=2)
            self.assertIn("move it away", self.complained)


class Help(unittest.TestCase):
    PROGRAM = os.path.join(ROOT, "tools", "bind")

    def test_help_names_every_option_and_the_manual_has_them(self):
        done = subprocess.run([self.PROGRAM, "--help"], capture_output=True, text=True, check=True)
        options = sorted(set(re.findall(r"--[a-z-]+", done.stdout)))
        self.assertGreater(len(options), 10)
        with open(os.path.join(ROOT, "tools", "lib", "bab-bind.1"), encoding="utf-8") as file:
            manual = file.read().replace("\\-", "-")
        self.assertEqual([o for o in options if o not in manual], [])
        self.assertEqual([o for o in set(re.findall(r"--[a-z-]+", manual)) if o not in options], [])

    def test_the_manual_is_well_formed(self):
        try:
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", os.path.join(ROOT, "tools", "lib", "bab-bind.1")],
                                  capture_output=True, text=True, check=False)
        except FileNotFoundError:
            self.skipTest("groff isn't installed")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_on_the_machine_at_hand(self):
        done = subprocess.run([self.PROGRAM, "--json"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for nic in json.loads(done.stdout)["nics"]:
            self.assertTrue(nic["uses"] or not nic["default_route"], nic)


if __name__ == "__main__":
    tap.main()
