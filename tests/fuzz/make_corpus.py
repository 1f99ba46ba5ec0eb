#!/usr/bin/python3
"""Writes the corpus with which fuzzing starts: a file for each kind of frame, right and wrong, and of pcapng block."""

import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import captures  # noqa: E402
import pcapngfile  # noqa: E402


def pcapng():
    """(name, bytes) of files of each kind of block that is read, in both byte orders."""
    for name, order in (("little", "<"), ("big", ">")):
        head = pcapngfile.section(order) + pcapngfile.interface(order=order)
        yield f"{name}_enhanced", head + pcapngfile.frame(0, 7, b"frame", order)
        yield f"{name}_simple", head + pcapngfile.block(3, struct.pack(f"{order}I", 5) + b"frame", order)
        yield f"{name}_obsolete", head + pcapngfile.block(
            2, struct.pack(f"{order}HHIIII", 0, 0, 0, 7, 5, 5) + b"frame", order)
        yield f"{name}_options", pcapngfile.section(order) + pcapngfile.block(
            1, struct.pack(f"{order}HHIHHB3xHHq", 1, 0, 64, 9, 1, 9, 14, 8, 100), order) + pcapngfile.frame(
                0, 7, b"frame", order)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "corpus")
    os.makedirs(folder, exist_ok=True)
    for kind, samples in (("good", captures.every_good_form()), ("wrong", captures.wrong())):
        written = set()
        for sample in samples:
            if sample.frame in written or not sample.frame:
                continue
            written.add(sample.frame)
            name = re.sub(r"[^a-z0-9]+", "_", sample.name.lower())
            with open(os.path.join(folder, f"{kind}_{len(written):02}_{name}"), "wb") as file:
                file.write(sample.frame)
    for name, data in pcapng():
        with open(os.path.join(folder, f"pcapng_{name}"), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
