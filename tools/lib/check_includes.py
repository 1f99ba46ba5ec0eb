#!/usr/bin/python3
"""Checks that includes point downwards only: a floor may include itself and the floors before it in FLOORS.

A file of the library may include bab's files of its own floor and of lower ones. The folders in FOR_PROGRAMS lie beside
the floors: each may include itself and any floor, and nothing else includes it. A `detail` folder belongs to the folder
it is in; a file in detail itself, or in detail/dpdk, is as high as the highest file that it includes. bab/bab.hpp
includes everything and is for applications alone. A header outside of detail includes bab/detail/build.hpp before
anything else: build.hpp refuses translation units whose flags don't fit. The parts that are tested without a NIC must
not see ethdev: no header below `port` and no source of EDGE_FREE includes DPDK's ethdev headers.
"""

import os
import re
import sys

FLOORS = ("base", "memory", "lcore", "wire", "message", "port", "stream", "bus")
FOR_PROGRAMS = ("doctor", "capture")
EDGE_FREE = ("wire", "message")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
ETHDEV = re.compile(r"rte_(ethdev|eth_|flow)\w*\.h$")


class File:
    """A source file. `inside` is its path below include/bab or src, by which others include it."""

    def __init__(self, path, tree, inside, text):
        self.path, self.tree, self.inside = path, tree, inside
        self.includes = []  # (line, path as written, path below include/bab or src if it is bab's)
        for line, content in enumerate(text.splitlines(), 1):
            if found := INCLUDE.match(content):
                written = found.group(1) or found.group(2)
                self.includes.append((line, written, self.resolve(written, found.group(2) is not None)))

    def resolve(self, written, quoted):
        if written.startswith("bab/"):
            return written[len("bab/"):]
        if not quoted:
            return None
        if written.split("/")[0] in FLOORS + FOR_PROGRAMS:
            return written
        return os.path.normpath(os.path.join(os.path.dirname(self.inside), written))


def folders_of(inside):
    return [folder for folder in inside.split("/")[:-1] if folder not in ("detail", "dpdk")]


def program_folder(inside):
    """Which of FOR_PROGRAMS the file lies in, or None."""
    folders = folders_of(inside)
    return folders[0] if folders and folders[0] in FOR_PROGRAMS else None


def height(inside, files, visiting=()):
    """The floor's place in FLOORS, or None for a file on no floor."""
    folders = folders_of(inside)
    if program_folder(inside):
        return len(FLOORS)  # above all
    if folders:
        return FLOORS.index(folders[0]) if folders[0] in FLOORS else None
    if "/" not in inside or inside in visiting:
        return None
    heights = [height(target, files, (*visiting, inside))
               for file in files if file.inside == inside for _, _, target in file.includes if target]
    heights += [FLOORS.index("port") for file in files if file.inside == inside
                for _, written, _ in file.includes if ETHDEV.match(written)]
    return max((each for each in heights if each is not None), default=0)


def faults(file, files):
    """(line, sentence) for each include that must not be."""
    mine = height(file.inside, files)
    if mine is None:
        yield 1, f"lies on no floor: there are {', '.join(FLOORS + FOR_PROGRAMS)}"
        return
    if file.tree == "include" and "detail" not in file.inside.split("/"):
        if not file.includes or file.includes[0][1] != "bab/detail/build.hpp":
            yield 1, "doesn't include bab/detail/build.hpp first"
    for line, written, target in file.includes:
        if target == "bab.hpp":
            yield line, "includes bab/bab.hpp, which is for applications"
        elif target is not None:
            other = height(target, files)
            folder = program_folder(target)
            if folder not in (None, program_folder(file.inside)):
                yield line, f"includes {written}: {folder} is for programs alone"
            elif other is None:
                yield line, f"includes {written}, which lies on no floor"
            elif other > mine:
                yield line, f"includes {written}: {FLOORS[other]} is above {FLOORS[mine]}"
        elif ETHDEV.match(written):
            floor = "" if mine == len(FLOORS) else FLOORS[mine]
            if floor in EDGE_FREE or (file.tree == "include" and mine < FLOORS.index("port")):
                yield line, f"includes {written}: {floor} must not know of ethdev"


def read_files(root):
    for tree, top in (("include", "include/bab"), ("src", "src")):
        for folder, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith((".hpp", ".cpp", ".h")):
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as source:
                        inside = os.path.relpath(path, os.path.join(root, top))
                        yield File(os.path.relpath(path, root), tree, inside, source.read())


def main(root):
    files = [file for file in read_files(root) if file.inside not in ("bab.hpp", "pch/bab_pch.hpp")]
    found = [f"{file.path}:{line}: {sentence}" for file in files for line, sentence in faults(file, files)]
    print("\n".join(found) or f"{len(files)} files, no include points upwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
