#!/usr/bin/env python3
"""Writes mutants of headers: copies in which one line each says something else, in namespaces of their own.

They are made of the production code when it is built, so that they can't fall behind it: what a mutation
replaces must be there exactly once.

    mutate.py HEADER... MUTATIONS OUT

MUTATIONS holds blocks of three lines, with an empty line between them: name, text, replacement."""

import pathlib
import re
import sys


def main(*headers_mutations_out):
    *headers, mutations, out = headers_mutations_out
    written, body = [], ""
    for header in headers:
        source = pathlib.Path(header).read_text(encoding="utf-8")
        body_start = source.index("namespace bab {")
        body_end = source.rindex("}  // namespace bab")
        body += source[body_start + len("namespace bab {") : body_end]
        written.append(source[:body_start])
    for block in pathlib.Path(mutations).read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        if not lines:
            continue
        name, old, new = lines
        if body.count(old) != 1:
            sys.exit(f"{mutations}: {name}: '{old}' is {body.count(old)} times in {', '.join(headers)}")
        if not re.fullmatch(r"[a-z_]+", name):
            sys.exit(f"{mutations}: '{name}' is no name")
        written.append(f"namespace bab::mutant::{name} {{\n{body.replace(old, new)}}}\n\n")
    pathlib.Path(out).write_text("".join(written), encoding="utf-8")


main(*sys.argv[1:])
