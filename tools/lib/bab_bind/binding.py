"""Plans that give NICs to a driver, or to none."""

from .nics import DEVICES, DPDK_DRIVERS, group_blockers, holder
from .steps import Expect, Put, Run, Write
from .system import Refusal

KERNEL = "kernel"  # the word for "whatever driver the kernel has for it"
DRIVERCTL_FILES = "/etc/driverctl.d"


def check_driver(system, driver):
    if driver not in (KERNEL, *DPDK_DRIVERS) and driver not in system.list("/sys/bus/pci/drivers"):
        raise Refusal(f"--bind={driver}: the kernel has no such PCI driver; {', '.join(DPDK_DRIVERS)} are DPDK's, and "
                      f"{KERNEL} is the one that the kernel has for the NIC")


def check_free(system, nic, force):
    """Whether a NIC may be taken from its present user."""
    if process := holder(system, nic):
        raise Refusal(f"{nic.address} is being used by {process}; end it first")
    if nic.uses and not force:
        raise Refusal(f"{nic.address} is in use: {'; '.join(nic.uses)}; choose another NIC, or take it with --force "
                      f"if you are sure that nobody needs it, yourself included")


def check_vfio(system, nic):
    if nic.iommu_group is None and system.read("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") != "Y":
        raise Refusal(f"{nic.address} is in no IOMMU group, and vfio-pci needs one; turn the IOMMU on (in the "
                      f"firmware, and intel_iommu=on or amd_iommu=on on the kernel's command line), or use "
                      f"--bind=uio_pci_generic, which protects nothing and is for root alone")


def warnings(system, nic, driver, chosen):
    found = [f"{nic.address} is taken although {use}" for use in nic.uses if nic.driver != driver]
    if driver == "vfio-pci" and (others := group_blockers(system, nic, {n.address for n in chosen})):
        found.append(f"{nic.address} shares IOMMU group {nic.iommu_group} with {', '.join(others)}: VFIO takes a group "
                     f"whole, so give that to vfio-pci as well or move the NIC to another slot")
    return found


def _load(system, driver):
    return [] if system.exists(f"/sys/bus/pci/drivers/{driver}") else [Run(["modprobe", driver])]


def by_files(nic, driver, override=None):
    """Steps that only write the kernel's files. Driver None: the NIC gets none."""
    folder = f"{DEVICES}/{nic.address}"
    steps = []
    if nic.driver:
        steps.append(Write(f"{folder}/driver/unbind", nic.address))
    if (override or "") != (nic.override or ""):
        steps.append(Write(f"{folder}/driver_override", override or ""))
    if driver:
        steps.append(Write("/sys/bus/pci/drivers_probe", nic.address))
    return steps


def _expect(nic, driver):
    """Reads the driver back. For KERNEL any driver of the kernel's is right."""
    def read(system):
        there = system.link(f"{DEVICES}/{nic.address}/driver")
        return KERNEL if driver == KERNEL and there not in (None, *DPDK_DRIVERS) else there

    mend = {
        "vfio-pci": "dmesg says why; is the IOMMU on (bab-bind shows IOMMU groups)?",
        "uio_pci_generic": "dmesg says why; it takes no NIC without a legacy interrupt (virtual functions have none)",
        KERNEL: f"modprobe $(cat {DEVICES}/{nic.address}/modalias) loads its driver",
    }.get(driver, "dmesg says why")
    return Expect(f"the driver of {nic.address}", read, driver, mend)


def give(system, nic, driver, force, at_boot):
    """Steps that give a NIC to a driver and check it. KERNEL: to the kernel's own driver."""
    path = f"{DRIVERCTL_FILES}/pci-{nic.address}"
    at_next_boot = system.read(path)
    if driver == KERNEL and nic.driver not in (None, *DPDK_DRIVERS, "pci-stub"):
        return [Put(path, None)] if at_boot and at_next_boot is not None else []
    if nic.driver == driver and (not at_boot or at_next_boot == driver):
        return []
    check_free(system, nic, force)
    if driver == "vfio-pci":
        check_vfio(system, nic)
    if at_boot and driver != KERNEL and not system.has_program("driverctl"):
        raise Refusal("--at-boot: driverctl binds NICs at boot, and isn't installed; apt-get install driverctl")
    steps = _load(system, driver) if driver in DPDK_DRIVERS else []
    if driver == KERNEL:
        if at_boot and at_next_boot is not None:
            steps.append(Put(path, None))
        steps += by_files(nic, driver)
    elif system.has_program("driverctl"):
        steps.append(Run(["driverctl", *([] if at_boot else ["--nosave"]), "set-override", nic.address, driver]))
    elif system.has_program("dpdk-devbind.py"):
        steps.append(Run(["dpdk-devbind.py", *(["--force"] if force else []), f"--bind={driver}", nic.address]))
    else:
        steps += by_files(nic, driver, driver)
    return steps + [_expect(nic, driver)]


def take(system, nic, force):
    """Steps that leave a NIC without a driver."""
    if nic.driver is None:
        return []
    check_free(system, nic, force)
    return [Write(f"{DEVICES}/{nic.address}/driver/unbind", nic.address), _expect(nic, None)]


def give_back(system, nic, driver, override):
    """Steps that undo: the driver and the override that it had before."""
    if (nic.driver, nic.override) == (driver, override):
        return []
    # If a boot gave the NIC to another driver, the old one may not be loaded.
    return [*(_load(system, driver) if driver else []), *by_files(nic, driver, override), _expect(nic, driver)]
