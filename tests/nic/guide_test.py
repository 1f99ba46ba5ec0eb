#!/usr/bin/python3
"""Runs all commands of the guide "From a bare box to the bus", in order, in a guest with Debian's userland."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs")]

from bare_box_test import ROOT, SLOW, OnABareBox, tap  # bare_box_test has no case of its own
from code_block import blocks

PAGE = os.path.join(ROOT, "apps", "guide", "from-a-bare-box-to-the-bus.md")
SILENT = ("groupadd", "useradd", "echo", "udevadm")  # these print nothing on success


def commands():
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    return [line.split("  #")[0].strip() for block in blocks(text, "sh") for line in block.splitlines() if line]


class Guide(OnABareBox):
    kernel_arguments, cpus = "isolcpus=managed_irq,domain,1-2 nohz_full=1-2 rcu_nocbs=1-2", 3

    def test_commands(self):
        every = commands()
        self.assertGreater(len(every), 25)
        said = {}
        for command in every:
            with self.subTest(command=command):
                # The doctor may have findings, and has some at first.
                run = self.guest.run(command, 5 * SLOW if command.startswith("apt-get") else SLOW)
                self.assertIn(run.status, (0, 1) if command == "testbab --doctor" else (0, ), run)
                self.assertTrue(run.stdout or command.startswith(SILENT), run)
                said[command] = run.stdout
        self.assertEqual(said["cat /sys/devices/system/cpu/isolated"], "1-2\n")
        self.assertIn("vfio-pci", said["bab-bind"])  # the last call
        self.assertRegex(said["ls -l /dev/vfio"], r"(?m)^crw-rw----\S* .*\bbus\b")
        self.assertEqual(self.drivers(), ["virtio-pci"] * 2)
        self.assertEqual(self.do("cat /proc/sys/vm/nr_hugepages").stdout, "0\n")


if __name__ == "__main__":
    tap.main()
