#!/usr/bin/python3
"""Writes the corpus with which fuzzing starts: a file for each kind of frame, right and wrong."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import captures  # noqa: E402


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


if __name__ == "__main__":
    main()
