#!/usr/bin/python3
"""Every change must pass this. For each NIC: a boot with uio_pci_generic, and one with vfio-pci behind an IOMMU."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import nics
import tap
from check_checksums import ChecksumsReceived, ChecksumsSent
from check_gathering import Gathering
from check_loop import ShortLoopAt1500, ShortLoopAt9000
from check_probe import Mtus
from check_restarts import Restarts
from nic_case import guest

WITH_UIO = (Mtus, ShortLoopAt1500, ShortLoopAt9000, ChecksumsSent, ChecksumsReceived, Gathering, Restarts)
WITH_VFIO = (ShortLoopAt9000, )


for nic in nics.NICS:
    for driver, checks in ("uio", WITH_UIO), ("vfio", WITH_VFIO):
        globals()[f"{nic}_{driver}"] = guest(nic, driver, checks)

if __name__ == "__main__":
    tap.main()
