#!/usr/bin/python3
"""The whole matrix: every check on every NIC with uio_pci_generic and with vfio-pci, and rates beside testpmd.

`tools/check nic` runs it, with BAB_LONG=1 for 20 restarts.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import nics
import tap
from check_buffers import Buffers, Memory
from check_checksums import ChecksumsReceived, ChecksumsSent
from check_frame_rates import FrameRates
from check_gathering import Gathering
from check_links import Links, SentBuffers, Unplugged
from check_loop import Loop
from check_offloads import Addresses, Seed, Vlan
from check_probe import Mtus, Probe, TooLarge
from check_relay import Relay
from check_restarts import MtuUpAndDown, NewProcesses, Restarts
from check_slow_wire import SecondQueue, SlowWire
from check_starvation import Starvation
from nic_case import guest

CHECKS = (Probe, Mtus, TooLarge, Buffers, Loop, Relay, ChecksumsSent, ChecksumsReceived, Seed, Vlan, Addresses,
          Gathering, Restarts, NewProcesses, MtuUpAndDown, Links, SentBuffers, SlowWire, SecondQueue, Unplugged)

for nic in nics.NICS:
    for driver in nics.DRIVERS:
        # These are the same whoever gave the NIC away.
        globals()[f"{nic}_{driver}"] = guest(nic, driver, CHECKS + ((Memory, Starvation) if driver == "uio" else ()))
    globals()[f"{nic}_rates"] = guest(nic, "uio", (FrameRates,), name=f"{nic}_rates")

if __name__ == "__main__":
    tap.main()
