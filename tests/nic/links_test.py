#!/usr/bin/python3
"""Links, sent buffers, slow wires and unplugging, for each NIC with uio_pci_generic and with vfio-pci: two boots each.

    links_test.py [CLASS[.test_NAME]]...   such as e1000e_uio, virtio_vfio_unplugged
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from nic_case import NicCase
import nics
import tap
from check_links import Links, SentBuffers, Unplugged
from check_slow_wire import SecondQueue, SlowWire

for nic in nics.NICS:
    for driver in nics.DRIVERS:
        for suffix, checks in ("", (Links, SentBuffers, SlowWire, SecondQueue)), ("_unplugged", (Unplugged,)):
            name = f"{nic}_{driver}{suffix}"
            globals()[name] = type(name, (*checks, NicCase), {"nic": nic, "driver": nics.DRIVERS[driver],
                                                             "__module__": __name__})

if __name__ == "__main__":
    tap.main()
