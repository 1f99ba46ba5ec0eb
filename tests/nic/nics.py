"""The NICs that QEMU emulates and DPDK drives, and what each can do."""

from typing import NamedTuple


class Nic(NamedTuple):
    name: str
    device: str  # QEMU's name
    driver: str  # the PMD's
    largest_mtu: int
    checksums: tuple  # that the device makes and verifies, on the lab's cables
    options: tuple = ()
    vfio_options: tuple = ()
    # hw/net/vmxnet3.c takes every frame that comes: vmxnet3_can_receive doesn't look at the ring, and
    # vmxnet3_indicate_packet counts a frame that finds no descriptor as out of buffers. What nobody empties in time is
    # lost there, whatever the driver; QEMU's other NICs leave it with the sender.
    holds_back: bool = True
    keeps_ring: bool = False  # the driver keeps a ring's receive buffers until the port is closed


BOTH, UDP = ("ipv4", "udp"), ("udp", )
NICS = {nic.name: nic for nic in (
    Nic("e1000e", "e1000e", "net_e1000_em", 9216, BOTH),
    Nic("e1000", "e1000", "net_e1000_em", 16110, BOTH),
    Nic("vmxnet3", "vmxnet3", "net_vmxnet3", 9000, UDP, holds_back=False),
    # Without iommu_platform a guest hangs as soon as vfio-pci has a virtio NIC.
    Nic("virtio", "virtio-net-pci", "net_virtio", 9000, (), ("host_mtu=9000", "disable-legacy=on"),
        ("iommu_platform=on",), keeps_ring=True),
)}

UIO, VFIO = "uio_pci_generic", "vfio-pci"
DRIVERS = {"uio": UIO, "vfio": VFIO}


def mac(number):
    """Of the guest's NIC 0, 1, ..."""
    return f"52:54:00:00:00:{number + 0x0a:02x}"


def arguments(nic, number, *, vfio, device_options=()):
    """QEMU's for a NIC behind a root port of its own (without one it couldn't be unplugged), and its netdev."""
    options = (*nic.options, *(nic.vfio_options if vfio else ()), *device_options)
    device = ",".join((nic.device, f"id=nic{number}", f"netdev=net{number}", f"mac={mac(number)}", "romfile=",
                       f"bus=port{number}", *options))
    return ["-device", f"pcie-root-port,id=port{number},chassis={number + 1},slot={number + 1}", "-device", device]
