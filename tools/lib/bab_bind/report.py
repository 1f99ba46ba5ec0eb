"""The report of NICs and hugepages, as text and as JSON."""

import json

from .hugepages import size_text


def iommu_groups(system):
    return len(system.list("/sys/kernel/iommu_groups"))


def _table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n" for row in rows)


def _shown(value):
    return "-" if value is None else str(value)


def text(system, nics, pages):
    rows = [("NIC", "ID", "driver", "interface", "link", "Gbit/s", "NUMA", "IOMMU group", "in use")]
    for nic in nics:
        gbit = None if nic.mbit_per_s is None else f"{nic.mbit_per_s / 1000:g}"
        uses = nic.uses or [f"{', '.join(nic.addresses)}"] * bool(nic.addresses)
        rows.append((nic.address, nic.device, _shown(nic.driver), ",".join(nic.interfaces) or "-", _shown(nic.link),
                     _shown(gbit), _shown(nic.numa_node), _shown(nic.iommu_group), "; ".join(uses) or "no"))
    said = _table(rows) if nics else "no NIC on PCI\n"
    rows = [("hugepages", "node", "total", "free")]
    for p in pages:
        rows.append((size_text(p["page_kib"]), _shown(p["node"]), str(p["total"]), str(p["free"])))
    said += "\n" + (_table(rows) if pages else "this kernel has no hugepages\n")
    groups = iommu_groups(system)
    return said + f"\nIOMMU: {f'on, {groups} groups' if groups else 'off'}\n"


def to_json(system, nics, pages, plan, done):
    """`plan`: the commands, or None if nothing was asked for."""
    report = {
        "schema": 1,
        "nics": [nic._asdict() for nic in nics],
        "hugepages": pages,
        "iommu_groups": iommu_groups(system),
    }
    if plan is not None:
        report.update(plan=plan, done=done)
    return json.dumps(report, indent=2) + "\n"
