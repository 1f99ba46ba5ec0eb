#!/usr/bin/python3
"""tools/bind's hugepages, now and at boot, on machines made of files."""

import re

import tap
from on_a_machine import PAGES, OnAMachine

from bab_bind import hugepages  # fake_machine has added its folder to the path


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

    def test_fewer_while_some_are_in_use(self):
        self.run_bind("--hugepages=64", "--yes")
        self.machine.pages_in_use = 20
        self.run_bind("--hugepages=8", "--yes", expected=1)
        self.assertIn("the number of 2M hugepages is 20 and not 8; ", self.complained)
        self.assertIn("in use", self.complained)
        self.assertNotIn("no room for more", self.complained)

    def test_at_boot_again(self):
        for programs, more in ((set(), ()), ({"update-grub"}, ("--node=1", ))):
            self.machine.programs = programs
            self.run_bind("--hugepages=64", *more, "--at-boot", "--yes")
            self.assertEqual(self.run_bind("--hugepages=64", *more, "--at-boot", "--yes"),
                             "nothing to do: it is so already\n")

    def test_at_boot_with_a_default_of_1g(self):
        """vm.nr_hugepages counts pages of the default size: 1,024 of 2 MiB would be 1 TiB."""
        self.machine.file("/proc/meminfo", "MemTotal: 1 kB\nHugepagesize:    1048576 kB\n")
        # left from a default page size of 2 MiB
        self.machine.file(hugepages.AT_BOOT_SYSCTL, "vm.nr_hugepages = 64\n")
        self.run_bind("--hugepages=1024", "--page-size=2M", "--at-boot", "--yes", expected=2)
        self.assertIn('add "hugepagesz=2M hugepages=1024"', self.complained)
        self.machine.programs = {"update-grub"}
        self.run_bind("--hugepages=1024", "--page-size=2M", "--at-boot", "--yes")
        self.run_bind("--hugepages=2", "--page-size=1G", "--at-boot", "--yes")
        self.assertFalse(self.machine.exists(hugepages.AT_BOOT_SYSCTL))
        self.assertEqual(self.at_boot_by_grub(), ["hugepagesz=2M hugepages=1024", "hugepagesz=1G hugepages=2"])

    def at_boot_by_grub(self):
        text = self.machine.read(hugepages.AT_BOOT_GRUB) or ""
        return re.findall(r'(?m)^GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX (.*)"$', text)

    def test_at_boot_of_each_node_and_size(self):
        self.machine.programs = {"update-grub"}
        for arguments in (("--hugepages=4", "--node=1"), ("--hugepages=9", "--node=0"),
                          ("--hugepages=2", "--page-size=1G", "--node=1"), ("--hugepages=5", "--node=1")):
            self.run_bind(*arguments, "--at-boot", "--yes")
        self.assertEqual(self.at_boot_by_grub(), ["hugepagesz=2M hugepages=0:9,1:5", "hugepagesz=1G hugepages=1:2"])
        self.run_bind("--hugepages=0", "--node=0", "--at-boot", "--yes")
        self.assertEqual(self.at_boot_by_grub(), ["hugepagesz=2M hugepages=1:5", "hugepagesz=1G hugepages=1:2"])
        self.run_bind("--hugepages=0", "--page-size=1G", "--node=1", "--at-boot", "--yes")
        self.assertEqual(self.at_boot_by_grub(), ["hugepagesz=2M hugepages=1:5"])
        self.run_bind("--undo", "--yes")
        self.assertFalse(self.machine.exists(hugepages.AT_BOOT_GRUB))

    def test_at_boot_of_the_machine_and_of_its_nodes_replace_each_other(self):
        """sysctl comes after the command line and would have the last word."""
        self.machine.programs = {"update-grub"}
        self.run_bind("--hugepages=2", "--page-size=1G", "--node=1", "--at-boot", "--yes")
        self.run_bind("--hugepages=64", "--at-boot", "--yes")
        self.run_bind("--hugepages=9", "--node=0", "--at-boot")
        self.assertIn("64 hugepages of the whole machine, of an earlier run", self.complained)
        self.run_bind("--hugepages=9", "--node=0", "--at-boot", "--yes")
        self.assertFalse(self.machine.exists(hugepages.AT_BOOT_SYSCTL))
        self.assertEqual(self.at_boot_by_grub(), ["hugepagesz=2M hugepages=0:9", "hugepagesz=1G hugepages=1:2"])
        self.run_bind("--hugepages=64", "--at-boot", "--yes")
        self.assertIn("those of single nodes (hugepages=0:9) are no longer reserved at boot", self.complained)
        self.assertIn("vm.nr_hugepages = 64", self.machine.read(hugepages.AT_BOOT_SYSCTL))
        self.assertEqual(self.at_boot_by_grub(), ["hugepagesz=1G hugepages=1:2"])

    def test_what_boots_reserve_is_undone_after_them(self):
        self.run_bind("--hugepages=64", "--yes")
        self.run_bind("--hugepages=64", "--at-boot", "--yes")
        self.reboot()
        self.assertEqual(self.machine.number(PAGES), 64)
        self.run_bind("--undo", "--yes")
        self.assertEqual(self.machine.number(PAGES), 0)
        self.assertFalse(self.machine.exists(hugepages.AT_BOOT_SYSCTL))
        self.assertEqual(self.run_bind("--undo", "--yes"), "nothing to restore\n")

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


if __name__ == "__main__":
    tap.main()
