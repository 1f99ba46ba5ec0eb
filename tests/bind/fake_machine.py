"""A machine made of files for tools/bind, and a kernel that reacts to writes to them."""

import os
import re
import shutil
import sys
import tempfile

ROOT = os.environ["BAB_SOURCE_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))

from bab_bind.system import Failure, System

DEVICES = "/sys/bus/pci/devices"
DRIVERS = "/sys/bus/pci/drivers"


class FakeMachine(System):
    def __init__(self):
        super().__init__(tempfile.mkdtemp(prefix="bab-bind-"))
        self.programs = set()
        self.ran = []
        self.modules = {"vfio-pci", "uio_pci_generic", "igb"}  # the modules that can be loaded
        self.interface_of = {}
        self.own = {}  # for each NIC, the kernel's own driver for it
        self.refuse = {}  # pairs (address, driver): this driver refuses this NIC
        self.most_pages = 1 << 20
        self.pages_in_use = 0
        self.indices = {}  # index of each interface
        self.die_at = None  # a write to this path is interrupted, as by Ctrl-C
        self.file("/proc/sys/kernel/random/boot_id", "boot-1\n")
        self.file("/proc/meminfo", "MemTotal: 1 kB\nHugepagesize:       2048 kB\n")
        for node in (0, 1):
            for kib in (2048, 1 << 20):
                self.pages(node, kib)
        os.makedirs(self.path(DRIVERS))

    def begin(self):
        """A new run of bab-bind: processes may have opened and closed files since."""
        self._held = None

    def remove(self):
        shutil.rmtree(self.root)

    def file(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    def symlink(self, path, target):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        os.symlink(target, self.path(path))

    def pages(self, node, kib):
        for folder in (f"/sys/devices/system/node/node{node}/hugepages", "/sys/kernel/mm/hugepages"):
            for name in ("nr_hugepages", "free_hugepages"):
                self.file(f"{folder}/hugepages-{kib}kB/{name}", "0\n")

    def driver(self, name):
        for file in ("bind", "unbind"):
            self.file(f"{DRIVERS}/{name}/{file}", "")

    def nic(self, address, interface=None, driver="igb", group="7", flags=0x1002):
        folder = f"{DEVICES}/{address}"
        for name, text in {"class": "0x020000", "vendor": "0x8086", "device": "0x1520", "numa_node": "1",
                           "driver_override": "(null)"}.items():  # fmt: skip
            self.file(f"{folder}/{name}", text + "\n")
        self.own[address], self.interface_of[address] = driver, interface
        if driver:
            self.driver(driver)
            self._bind(address, driver)
        if group:
            self.symlink(f"{folder}/iommu_group", f"../../../kernel/iommu_groups/{group}")
            self.file(f"/sys/kernel/iommu_groups/{group}/devices/{address}", "")
        if interface:
            self.interface(interface, flags)

    def interface(self, name, flags=0x1003, over=()):
        self.file(f"/sys/class/net/{name}/flags", f"0x{flags:x}\n")
        self.indices[name] = self.indices.get(name, len(self.indices) + 2)
        self.file(f"/sys/class/net/{name}/ifindex", f"{self.indices[name]}\n")
        for lower in over:
            self.file(f"/sys/class/net/{lower}/upper_{name}/x", "")

    # Imitates the kernel.

    def _bind(self, address, driver):
        self.symlink(f"{DEVICES}/{address}/driver", f"../../drivers/{driver}")
        self.symlink(f"{DRIVERS}/{driver}/{address}", f"../../devices/{address}")
        if driver == self.own[address] and (interface := self.interface_of[address]):
            self.file(f"{DEVICES}/{address}/net/{interface}/x", "")

    def _unbind(self, address):
        if driver := self.link(f"{DEVICES}/{address}/driver"):
            os.remove(self.path(f"{DEVICES}/{address}/driver"))
            os.remove(self.path(f"{DRIVERS}/{driver}/{address}"))
            shutil.rmtree(self.path(f"{DEVICES}/{address}/net"), ignore_errors=True)

    def _probe(self, address):
        override = self.read(f"{DEVICES}/{address}/driver_override")
        driver = override if override not in ("(null)", "", None) else self.own[address]
        if self.link(f"{DEVICES}/{address}/driver") is None and driver and self.exists(f"{DRIVERS}/{driver}"):
            if (address, driver) not in self.refuse:
                self._bind(address, driver)

    def boot(self):
        for address in self.own:
            self._unbind(address)
            kept = self.read(f"/etc/driverctl.d/pci-{address}")
            self.file(f"{DEVICES}/{address}/driver_override", (kept or "(null)") + "\n")
            self._probe(address)
        pages = re.search(r"vm.nr_hugepages = ([0-9]+)", self.read("/etc/sysctl.d/80-bab-hugepages.conf") or "")
        self.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", f"{pages[1] if pages else 0}\n")

    def write(self, path, text):
        if path == self.die_at:
            raise KeyboardInterrupt
        if not self.exists(path):
            raise Failure(f"writing {text.strip()!r} to {path}: No such file or directory")
        if path.endswith("/unbind"):
            self._unbind(text.strip())
        elif path.endswith("/drivers_probe"):
            self._probe(text.strip())
        elif path.endswith("/nr_hugepages"):
            self.file(path, f"{max(min(int(text), self.most_pages), self.pages_in_use)}\n")
        elif path.endswith("/driver_override"):
            self.file(path, (text.strip() or "(null)") + "\n")
        else:
            raise AssertionError(path)

    def has_program(self, name):
        return name in self.programs

    def run(self, arguments):
        self.ran.append(arguments)
        match arguments:
            case ["modprobe", name]:
                if name not in self.modules:
                    raise Failure(f"modprobe: FATAL: Module {name} not found.")
                self.driver(name)
                for address in self.own:
                    self._probe(address)
            case ["driverctl", *rest, "set-override", address, driver]:
                self._unbind(address)
                self.file(f"{DEVICES}/{address}/driver_override", driver + "\n")
                self._probe(address)
                if not rest:
                    self.file(f"/etc/driverctl.d/pci-{address}", driver + "\n")
            case ["dpdk-devbind.py", *_, bind, address]:
                self._unbind(address)
                self.file(f"{DEVICES}/{address}/driver_override", re.sub("--bind=", "", bind) + "\n")
                self._probe(address)
                self.file(f"{DEVICES}/{address}/driver_override", "(null)\n")
            case ["update-grub"]:
                pass
            case _:
                raise AssertionError(arguments)
