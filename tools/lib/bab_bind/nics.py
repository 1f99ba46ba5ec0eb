"""The machine's NICs: their drivers, their places, and what needs them."""

import collections
import re

from . import netlink
from .system import Refusal

DEVICES = "/sys/bus/pci/devices"
DPDK_DRIVERS = ("vfio-pci", "uio_pci_generic", "igb_uio")
# For these NICs, DPDK's drivers need the kernel's driver beside them.
BESIDE_THE_KERNEL = ("mlx4_core", "mlx5_core", "mana")


Nic = collections.namedtuple("Nic", (
    "address",
    "device",  # "8086:10d3"
    "driver",
    "override",
    "interfaces",
    "link",  # of the first interface: "up", "down"; None: unknown
    "mbit_per_s",
    "numa_node",
    "iommu_group",
    "default_route",
    "addresses",
    "uses",  # the reasons why it must not be taken, a clause each
))  # fmt: skip


def _interfaces(system, folder):
    names = system.list(f"{folder}/net")
    for name in system.list(folder):
        if name.startswith("virtio"):  # virtio0/net/eth0
            names += system.list(f"{folder}/{name}/net")
    return names


def _with_uppers(system, interface, found):
    """The bonds, bridges and VLANs over it, and those over them."""
    if interface in found:
        return
    found.append(interface)
    entries = system.list(f"/sys/class/net/{interface}")
    for name in entries:
        if name.startswith("upper_"):
            _with_uppers(system, name[len("upper_"):], found)
    if "master" in entries and (master := system.link(f"/sys/class/net/{interface}/master")):
        _with_uppers(system, master, found)


def _uses(system, folder, driver, interfaces, network):
    """`interfaces`: each of the NIC's own interfaces, and those over it."""
    uses = []
    for interface, every in interfaces.items():
        for name in every:
            what = name if name == interface else f"{name}, which is over {interface},"
            # /sys is that of the network namespace in which it was mounted.
            if network.interfaces.get(name) != system.number(f"/sys/class/net/{name}/ifindex"):
                uses.append(f"{what} is in another network namespace than bab-bind, which doesn't see its routes and "
                            f"addresses (nsenter -n -t 1 bab-bind does)")
                continue
            if name in network.default_routes:
                uses.append(f"{what} carries the default route")
            # Every interface that is up has a link-local address of IPv6.
            if given := [a for a in network.addresses.get(name, []) if not a.lower().startswith("fe80:")]:
                uses.append(f"{what} has the address {' and '.join(given)}")
        if len(every) > 1 and not uses:
            uses.append(f"{interface} is part of {every[1]}")
        flags = system.number(f"/sys/class/net/{interface}/flags", 16)
        if not uses and (flags is None or flags & 1):
            uses.append(f"{interface} is up (if nobody needs it: ip link set {interface} down)")
    if driver and not interfaces and driver not in DPDK_DRIVERS + ("pci-stub", ):
        uses.append(f"{driver} has it, and its interface is not to be seen (in another network namespace?)")
    if virtual := system.number(f"{folder}/sriov_numvfs"):
        uses.append(f"it has {virtual} virtual functions")
    if driver in BESIDE_THE_KERNEL:
        uses.append(f"DPDK works beside {driver} and needs it")
    return uses


def read(system, network=None):
    """All NICs on PCI, by address."""
    network = network or netlink.read()
    found = []
    for address in system.list(DEVICES):
        folder = f"{DEVICES}/{address}"
        if (system.number(f"{folder}/class", 16) or 0) >> 16 != 0x02:
            continue
        driver = system.link(f"{folder}/driver")
        interfaces = {}
        for name in _interfaces(system, folder):
            _with_uppers(system, name, interfaces.setdefault(name, []))
        every = [name for names in interfaces.values() for name in names]
        first = f"/sys/class/net/{next(iter(interfaces))}" if interfaces else ""
        speed = system.number(f"{first}/speed") if first else None
        override = system.read(f"{folder}/driver_override")
        numa = system.number(f"{folder}/numa_node")
        found.append(Nic(
            address=address,
            device=":".join(f"{system.number(f'{folder}/{part}', 16) or 0:04x}" for part in ("vendor", "device")),
            driver=driver,
            override=None if override in (None, "", "(null)") else override,
            interfaces=list(interfaces),
            link={1: "up", 0: "down"}.get(system.number(f"{first}/carrier") if first else None),
            mbit_per_s=speed if speed and speed > 0 else None,
            numa_node=numa if numa is not None and numa >= 0 else None,
            iommu_group=system.link(f"{folder}/iommu_group"),
            default_route=any(name in network.default_routes for name in every),
            addresses=[address for name in dict.fromkeys(every) for address in network.addresses.get(name, [])],
            uses=_uses(system, folder, driver, interfaces, network)))
    return found


def choose(nics, names):
    """The NICs that a user named by address, "0000:01:00.0" or "01:00.0", or by interface."""
    chosen = []
    for name in names:
        address = name.lower() if re.fullmatch(r"[0-9A-Fa-f]{4,}:.*", name) else f"0000:{name.lower()}"
        meant = [nic for nic in nics if nic.address == address or name in nic.interfaces]
        if not meant:
            there = ", ".join(" = ".join([nic.address, *nic.interfaces]) for nic in nics) or "none"
            raise Refusal(f"{name!r} is no NIC of this machine; there are: {there}")
        chosen += [nic for nic in meant if nic not in chosen]
    return chosen


def group_blockers(system, nic, given):
    """Other devices of its IOMMU group that have another driver. VFIO takes whole groups; only bridges may stay."""
    if nic.iommu_group is None:
        return []
    others = []
    for address in system.list(f"/sys/kernel/iommu_groups/{nic.iommu_group}/devices"):
        driver = system.link(f"{DEVICES}/{address}/driver")
        bridge = (system.number(f"{DEVICES}/{address}/class", 16) or 0) >> 16 == 0x06
        if address not in given and driver not in (None, "vfio-pci", "pci-stub") and not bridge:
            others.append(f"{address} ({driver})")
    return others


def holder(system, nic):
    """The process that has the NIC open through a driver of DPDK's. Taking the NIC would wait for the process's end."""
    devices = set(system.list(f"{DEVICES}/{nic.address}/uio"))
    if nic.driver == "vfio-pci":
        devices |= {f"vfio/{nic.iommu_group}", f"vfio/noiommu-{nic.iommu_group}"}
        devices |= {f"vfio/devices/{name}" for name in system.list(f"{DEVICES}/{nic.address}/vfio-dev")}
    return system.holder(devices) if devices else None
