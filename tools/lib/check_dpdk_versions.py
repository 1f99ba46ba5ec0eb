#!/usr/bin/python3
"""Checks that what differs between DPDK's versions stands in the folders detail/dpdk alone, one named function each.

    check_dpdk_versions.py [ROOT]

Elsewhere nothing may depend on the version: no RTE_VERSION in C++, no version_compare() of DPDK in a meson.build.
(A function that asks what is there, such as rte_version(), is none.)
"""

import os
import re
import sys

TREES = ("include", "src", "apps", "tests", "tools")
FOLDER = os.path.join("detail", "dpdk") + os.sep
CPP = re.compile(r"\bRTE_(VERSION(_NUM)?|VER_(YEAR|MONTH|MINOR|RELEASE|SUFFIX))\b")
MESON = re.compile(r"\bdpdk\.version\(\)")


def kind(name):
    """A pattern that must not be in a file of that name. None: such files aren't checked."""
    if name.endswith((".hpp", ".cpp", ".h", ".c")):
        return CPP
    return MESON if name == "meson.build" else None


def faults(root):
    """(path, line) of each."""
    for tree in TREES:
        for folder, _, names in sorted(os.walk(os.path.join(root, tree))):
            for name in sorted(names):
                path = os.path.join(folder, name)
                what = kind(name)
                if what is None or FOLDER in path:
                    continue
                with open(path, encoding="utf-8") as source:
                    for line, content in enumerate(source, 1):
                        if what.search(content):
                            yield os.path.relpath(path, root), line


def main(root):
    found = [f"{path}:{line}: depends on DPDK's version: give it a named function in detail/dpdk"
             for path, line in faults(root)]
    print("\n".join(found) or "DPDK's versions differ in detail/dpdk only")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
