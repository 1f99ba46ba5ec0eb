#!/usr/bin/python3
"""Checks that the library names no program and no program's options: none of its files has testbab or one of its flags.

    check_option_names.py [ROOT]

The flags are those of testbab's own table. EAL's options are no program's: every program that starts EAL has them.
"""

import glob
import os
import re
import sys

TABLE = os.path.join("apps", "testbab", "options_*.cpp")
EALS = os.path.join("src", "detail", "dpdk", "eal_options.hpp")
LIBRARY = ("include", "src")
ADDS = re.compile(r'\badd_(?:number|flag|text)\(\s*"(?:-\w,)?(--[a-z][a-z-]*)"')
PROSE = re.compile(r'"(?:[^"\\]|\\.)*"|//.*')
KNOWN = {"--rxq", "--mtu", "--auto-start"}


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as source:
        return source.read()


def flags(root):
    """testbab's own flags. It is an error if the table can't be read any more."""
    found = set()
    for path in glob.glob(TABLE, root_dir=root):
        found.update(ADDS.findall(read(root, path)))
    if not KNOWN <= found:
        sys.exit(f"{TABLE}: where are {', '.join(sorted(KNOWN - found))}?")
    return found - set(re.findall(r'"(--[a-z-]+)"', read(root, EALS)))


def faults(root):
    """(path, line, name) of each."""
    names = "|".join(sorted(map(re.escape, flags(root)), key=len, reverse=True))
    named = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])|\btestbab\b")
    for tree in LIBRARY:
        for folder, _, files in sorted(os.walk(os.path.join(root, tree))):
            for file in sorted(files):
                if not file.endswith((".hpp", ".cpp", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, file), root)
                for line, content in enumerate(read(root, path).splitlines(), 1):
                    for name in named.findall(" ".join(PROSE.findall(content))):
                        yield path, line, name


def main(root):
    found = [f"{path}:{line}: names {name}: that is for the program to do" for path, line, name in faults(root)]
    print("\n".join(found) or f"the library names none of testbab's {len(flags(root))} flags")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
