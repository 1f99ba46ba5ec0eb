"""Hugepages per size and NUMA node, and plans to have another number of them."""

import re

from .steps import Expect, Put, Run, Write
from .system import Refusal

NODES = "/sys/devices/system/node"
GLOBAL = "/sys/kernel/mm/hugepages"
AT_BOOT_SYSCTL = "/etc/sysctl.d/80-bab-hugepages.conf"
AT_BOOT_GRUB = "/etc/default/grub.d/bab-hugepages.cfg"
_HEAD = "# Written by bab-bind; bab-bind --undo --yes takes it away.\n"


def size_text(kib):
    return f"{kib >> 20}G" if kib % (1 << 20) == 0 else f"{kib >> 10}M"


def parse_size(text):
    match = re.fullmatch(r"([1-9][0-9]{0,5})([MG])B?", text, re.IGNORECASE)
    if not match:
        raise Refusal(f"--page-size={text}: write it as 2M or 1G")
    return int(match[1]) << (20 if match[2].upper() == "G" else 10)


def read(system):
    """[{"node", "page_kib", "total", "free"}]; on a kernel without NUMA node is None."""
    folders = [(int(name[4:]), f"{NODES}/{name}/hugepages") for name in system.list(NODES)
               if re.fullmatch(r"node[0-9]+", name)] or [(None, GLOBAL)]
    found = []
    for node, folder in sorted(folders, key=lambda item: item[0] or 0):
        for name in system.list(folder):
            if match := re.fullmatch(r"hugepages-([0-9]+)kB", name):
                found.append({
                    "node": node,
                    "page_kib": int(match[1]),
                    "total": system.number(f"{folder}/{name}/nr_hugepages") or 0,
                    "free": system.number(f"{folder}/{name}/free_hugepages") or 0
                })
    return sorted(found, key=lambda p: (p["page_kib"], p["node"] or 0))


def plan(system, count, kib, node, at_boot):
    """Steps to have so many: of this size, on this node or, with None, wherever the kernel finds room."""
    there = read(system)
    sizes = sorted({pages["page_kib"] for pages in there})
    if not sizes:
        raise Refusal("this kernel has no hugepages (CONFIG_HUGETLBFS); run with --no-huge")
    kib = kib or (2048 if 2048 in sizes else sizes[0])
    if kib not in sizes:
        raise Refusal(f"--page-size={size_text(kib)}: this machine has hugepages of {', '.join(map(size_text, sizes))}")
    nodes = [pages["node"] for pages in there if pages["page_kib"] == kib]
    if node is not None and node not in nodes:
        there = ", ".join(f"node {n}" for n in nodes if n is not None)
        raise Refusal(f"--node={node}: this machine has {there or 'none'}")
    folder = f"{NODES}/node{node}/hugepages" if node is not None else GLOBAL
    path = f"{folder}/hugepages-{kib}kB/nr_hugepages"
    steps = []
    if system.number(path) != count:
        steps = [Write(path, str(count)),
                 Expect(f"the number of {size_text(kib)} hugepages", lambda s: s.number(path), count,
                        "a kernel that has run for long finds no room for more: end what takes memory, or reserve them "
                        "at boot (--at-boot)")]
    if at_boot:
        steps += _boot_steps(system, count, kib, node)
    return steps


def boot_words(count, kib, node):
    """What the kernel's command line says for it."""
    return f"hugepagesz={size_text(kib)} hugepages={count if node is None else f'{node}:{count}'}"


def _boot_steps(system, count, kib, node):
    # sysctl comes early enough for pages of 2 MiB, of one pool. All else is for the kernel's command line.
    if kib == 2048 and node is None:
        return [Put(AT_BOOT_SYSCTL, f"{_HEAD}vm.nr_hugepages = {count}\n")]
    words = boot_words(count, kib, node)
    if not system.has_program("update-grub"):
        raise Refusal(f"--at-boot: hugepages of {size_text(kib)}, and those of one node, come from the kernel's "
                      f"command line, and there is no update-grub to set it; add \"{words}\" to it where your boot "
                      f"loader has it")
    # grub-mkconfig sources it.
    return [Put(AT_BOOT_GRUB, f'{_HEAD}GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {words}"\n'), Run(["update-grub"])]
