#!/usr/bin/python3
"""tools/bind on machines made of files. tests/nic tries it on real devices."""

import json
import os
import re
import subprocess
import threading
import unittest
from unittest import mock

import tap
from fake_machine import DEVICES, ROOT
from on_a_machine import PAGES, OnAMachine

from bab_bind import hugepages, state  # fake_machine has added its folder to the path

A, B = "0000:01:00.0", "0000:01:00.1"


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
    """A NIC that is in use is left alone."""

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
        # a link-local address, which the kernel adds by itself
        self.addresses = {"eth1": ["fe80::5054:ff:fe00:a/64"]}
        self.expect_refused("ip link set eth1 down")

    def test_in_another_network_namespace(self):
        subprocess.run(["rm", "-r", self.machine.path(f"{DEVICES}/{A}/net")], check=True)
        self.expect_refused("another network namespace")

    def test_where_this_process_is_in_another_network_namespace(self):
        """/sys then shows interfaces of another namespace, whose routes and addresses it can't see."""
        self.elsewhere = {"eth1"}
        self.expect_refused("nsenter -n -t 1")
        self.elsewhere = set()
        index = self.machine.indices["eth1"]
        self.machine.indices["eth1"] = index + 40  # another interface of the same name
        self.expect_refused("nsenter -n -t 1")
        self.machine.indices["eth1"] = index
        self.run_bind("--bind=vfio-pci", "eth1")

    def test_where_what_is_over_it_is_in_another_network_namespace(self):
        self.machine.interface("bond0", over=["eth1"])
        self.elsewhere = {"bond0"}
        self.expect_refused("nsenter -n -t 1")

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

    def test_by_a_process_that_has_it_without_an_iommu_or_by_its_own_file(self):
        self.machine.nic(B, driver="vfio-pci", group="8")
        self.machine.own[B] = "igb"
        self.machine.file(f"{DEVICES}/{B}/vfio-dev/vfio3/x", "")
        self.machine.file("/proc/4711/comm", "testbab\n")
        for name in ("noiommu-8", "devices/vfio3"):
            self.machine.symlink("/proc/4711/fd/9", f"/dev/vfio/{name}")
            self.run_bind("--bind=kernel", B, "--yes", "--force", expected=2)
            self.assertIn("being used by testbab (4711)", self.complained)
            os.remove(self.machine.path("/proc/4711/fd/9"))
        self.run_bind("--bind=kernel", B, "--yes")

    def test_what_processes_have_open_is_looked_at_once(self):
        """There may be thousands of processes, with a thousand open files each."""
        many = [f"0000:{bus:02x}:00.0" for bus in range(0x10, 0x30)]
        for number, address in enumerate(many):
            self.machine.nic(address, driver="vfio-pci", group=str(100 + number))
        for process in range(200, 400):
            for name in range(20):
                self.machine.symlink(f"/proc/{process}/fd/{name}", f"/dev/shm/{name}")
        self.machine.symlink("/proc/399/fd/99", "/dev/vfio/131")
        with mock.patch.object(self.machine, "list", side_effect=self.machine.list) as listed:
            self.run_bind("--bind=uio_pci_generic", *many, expected=2)
        self.assertIn(f"{many[-1]} is being used by process (399)", self.complained)
        self.assertEqual(listed.mock_calls.count(mock.call("/proc/200/fd")), 1)
        self.assertLess(len(listed.mock_calls), 200 + 20 * len(many))


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

    def test_what_boots_do_is_undone_after_them(self):
        self.machine.programs = {"driverctl"}
        self.run_bind("--bind=vfio-pci", A, "--yes")  # a boot undoes this binding
        self.run_bind("--bind=vfio-pci", B, "--at-boot", "--yes")
        self.run_bind("--bind=vfio-pci", A, "--at-boot", "--yes")
        self.assertEqual(self.run_bind("--bind=vfio-pci", A, "--at-boot", "--yes"), "nothing to do: it is so already\n")
        self.reboot()
        self.assertEqual((self.driver_of(A), self.driver_of(B)), ("vfio-pci", "vfio-pci"))
        self.machine.programs = set()
        self.run_bind("--undo", "--yes")
        self.assertEqual((self.driver_of(A), self.driver_of(B)), ("igb", "igb"))
        self.assertEqual(self.machine.list("/etc/driverctl.d"), [])
        self.assertEqual(self.run_bind("--undo", "--yes"), "nothing to restore\n")
        self.reboot()
        self.assertEqual((self.driver_of(A), self.driver_of(B)), ("igb", "igb"))

    def test_the_driver_of_before_is_loaded_where_a_boot_had_no_need_of_it(self):
        self.machine.programs = {"driverctl"}
        self.run_bind("--bind=vfio-pci", A, B, "--at-boot", "--yes")
        self.reboot()
        subprocess.run(["rm", "-r", self.machine.path("/sys/bus/pci/drivers/igb")], check=True)
        self.assertEqual(self.run_bind("--undo", "--yes").count("modprobe igb\n"), 1)
        self.assertEqual((self.driver_of(A), self.driver_of(B)), ("igb", "igb"))

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

    def test_the_kernels_own_is_left_where_it_is(self):
        self.machine.file(f"{DEVICES}/{A}/driver_override", "igb\n")
        before = self.everything()
        for more in ((), ("--at-boot", )):
            self.assertEqual(self.run_bind("--bind=kernel", A, *more, "--yes"), "nothing to do: it is so already\n")
        self.machine.put("/var/lib/bab/bind.json", None)
        self.assertEqual(self.everything(), before)
        self.machine.file(f"/etc/driverctl.d/pci-{A}", "vfio-pci\n")
        self.assertEqual(self.run_bind("--bind=kernel", A, "--at-boot", "--yes"), f"rm /etc/driverctl.d/pci-{A}\n")

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
        self.run_bind("--bind=vfio-pci", A, "eth2")
        self.assertNotIn("shares IOMMU group", self.complained)

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


class StateFile(OnAMachine):
    def test_nonsense_is_refused(self):
        def kept(what, key, *before, **more):
            entry = {"what": what, "key": key, **dict(zip(("before", ), before)), **more}
            return json.dumps({"schema": 1, "boot": "boot-1", "entries": [entry]})

        for text in ("", "{", "[]", kept("file", "/etc/shadow"), kept("pages", "/sys/power/state", 1),
                     kept("shell", "x"), kept("file", "/etc/driverctl.d/pci-../x", ""), kept("nic", "../../x"),
                     kept("nic", A), kept("pages", PAGES), kept("file", hugepages.AT_BOOT_SYSCTL), kept("nic", A, {}),
                     kept("nic", A, {"driver": "../x", "override": None}),
                     kept("nic", A, {"driver": 1, "override": None}),
                     kept("pages", PAGES, "1"), kept("pages", PAGES, -1), kept("file", hugepages.AT_BOOT_GRUB, 1),
                     kept("pages", PAGES, 1, at_boot="x"), '{"boot": "boot-1", "entries": [1]}'):
            self.machine.file(state.PATH, text)
            self.run_bind("--undo", "--yes", expected=2)
            self.assertIn("move it away", self.complained)
        self.machine.file(state.PATH, kept("pages", PAGES, 8))
        self.run_bind("--undo", "--yes")
        self.assertEqual(self.machine.number(PAGES), 8)


    def test_two_at_once_take_turns_but_none_waits_for_good(self):
        self.machine.nic(A, "eth1")
        other = state.State(self.machine).lock()
        with mock.patch.object(state, "_SECONDS", 0):
            self.run_bind("--bind=vfio-pci", A, "--yes", expected=1)
        self.assertIn("another bab-bind has been at work", self.complained)
        self.assertEqual(self.driver_of(A), "igb")
        waiting = threading.Timer(0.2, os.close, [other])
        waiting.start()
        self.run_bind("--bind=vfio-pci", A, "--yes")
        waiting.join()
        self.assertEqual(self.driver_of(A), "vfio-pci")


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
