"""Hugepages per size and NUMA node, and plans to have another number of them."""

import re

from .steps import Expect, Put, Run, Write
from .system import Refusal

NODES = "/sys/devices/system/node"
GLOBAL = "/sys/kernel/mm/hugepages"
AT_BOOT_SYSCTL = "/etc/sysctl.d/80-bab-hugepages.conf"
AT_BOOT_GRUB = "/etc/default/grub.d/bab-hugepages.cfg"
_HEAD = "# Written by bab-bind; bab-bind --undo --yes takes it away.\n"
_WORDS = re.compile(r'GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX hugepagesz=([0-9]+[MG]) hugepages=([0-9:,]+)"')


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


def plan(system, count, kib, node, at_boot, warn):
    """Steps to get this number of hugepages of a size, and the file with their number. Node None: wherever the kernel
    finds room."""
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
    if (now := system.number(path)) != count:
        mend = ("a kernel that has run for long finds no room for more: end what takes memory, or reserve them at boot "
                "(--at-boot)" if now is None or now < count else
                "those in use stay until the processes that use them end (grep -l huge /proc/[0-9]*/maps)")
        steps = [Write(path, str(count)),
                 Expect(f"the number of {size_text(kib)} hugepages", lambda s: s.number(path), count, mend)]
    if at_boot:
        steps += _boot_steps(system, count, kib, node, warn)
    return steps, path


def _boot_steps(system, count, kib, node, warn):
    """vm.nr_hugepages is a number of pages of the default size, of the whole machine, and comes early enough for 2 MiB.
    All else is for the kernel's command line, which sysctl would overrule: of one size there is one or the other."""
    default_is_2m = re.search(r"(?m)^Hugepagesize:\s*2048 kB$", system.read("/proc/meminfo") or "") is not None
    by_sysctl = default_is_2m and kib == 2048 and node is None
    steps = []
    if by_sysctl:
        steps += _put(system, AT_BOOT_SYSCTL, f"{_HEAD}vm.nr_hugepages = {count}\n")
    elif kib == 2048 or not default_is_2m:
        if earlier := re.search(r"vm\.nr_hugepages = ([1-9][0-9]*)", system.read(AT_BOOT_SYSCTL) or ""):
            warn.append(f"{earlier[1]} hugepages of the whole machine, of an earlier run with --at-boot, are no longer "
                        f"reserved at boot: that number would overrule the one of {size_text(kib)} that comes now")
        steps += _put(system, AT_BOOT_SYSCTL, None)
    words = _grub_words(system)
    earlier = words.pop(kib, None)
    if by_sysctl:
        if earlier:
            warn.append(f"those of single nodes (hugepages={earlier}) are no longer reserved at boot: now it's {count} "
                        f"of the whole machine")
    elif numbers := _merged(earlier, count, node):
        words[kib] = numbers
    changed = _put(system, AT_BOOT_GRUB, _grub_text(words))
    if changed and not system.has_program("update-grub"):
        raise Refusal(f"--at-boot: hugepages of {size_text(kib)}, where that isn't the default size, and those of one "
                      f"node, come from the kernel's command line, and there is no update-grub to set it; add "
                      f"\"hugepagesz={size_text(kib)} hugepages={words.get(kib, 0)}\" to it where your boot loader has "
                      f"it")
    return steps + changed + [Run(["update-grub"])] * bool(changed)


def _merged(earlier, count, node):
    """The number of one size on the kernel's command line: "4", or for nodes "0:4,1:2". None: there is none."""
    if node is None:
        return str(count) if count else None
    nodes = dict(map(int, item.split(":")) for item in (earlier or "").split(",") if item.count(":") == 1)
    nodes[node] = count
    return ",".join(f"{n}:{nodes[n]}" for n in sorted(nodes) if nodes[n]) or None


def _grub_words(system):
    """The numbers in our file: {KiB: "4" or "0:4,1:2"}."""
    lines = (system.read(AT_BOOT_GRUB) or "").splitlines()
    return {parse_size(match[1]): match[2] for match in map(_WORDS.fullmatch, lines) if match}


def _grub_text(words):
    """A file that grub-mkconfig sources."""
    lines = [f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX hugepagesz={size_text(kib)} hugepages={words[kib]}"\n'
             for kib in sorted(words)]
    return _HEAD + "".join(lines) if lines else None


def _put(system, path, text):
    there = system.read(path)
    return [] if there == (text.strip() if text is not None else None) else [Put(path, text)]
