#!/usr/bin/env python3
"""Writes mutants of sources: copies in which one thing each is done otherwise, in namespaces of their own.

They are made of the production code when it is built, so that they can't fall behind it: what a mutation
replaces must be there exactly once.

    mutate.py SOURCE... MUTATIONS OUT

Comments are left out of the copies, and no mutation quotes one: a comment may change its words.

MUTATIONS holds blocks of lines, with an empty line between them: a name, then text and its replacement, once or
more often. A line that ends with a backslash goes on in the next one. BAB_MUTANTS(EACH) is EACH(name) for all of
them; words after a name are further arguments."""

import pathlib
import re
import sys


def without_comments(source):
    return re.sub(r"(?:^[ \t]*//[^\n]*\n)|(?:[ \t]+//[^\n]*$)", "", source, flags=re.MULTILINE)


def main(*sources_mutations_out):
    *sources, mutations, out = sources_mutations_out
    written, body, names = ["#pragma once\n\n"], "", []
    for path in sources:
        source = without_comments(pathlib.Path(path).read_text(encoding="utf-8"))
        body_start = source.index("namespace bab {")
        body_end = source.rindex("}")
        body += source[body_start + len("namespace bab {") : body_end]
        head = re.sub(r"^#pragma once\n", "", source[:body_start])
        folder = pathlib.Path(path).resolve().parent  # the copy lies elsewhere
        written.append(re.sub(r'^#include "', f'#include "{folder}/', head, flags=re.MULTILINE))
    text = re.sub(r" \\\n +", " ", pathlib.Path(mutations).read_text(encoding="utf-8"))
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        if not lines:
            continue
        heading, *changes = lines
        name, *arguments = heading.split(" ")
        if not re.fullmatch(r"[a-z_ ]+", heading) or not changes or len(changes) % 2:
            sys.exit(f"{mutations}: '{heading}' is no name, or not followed by pairs of lines")
        mutant = body
        for old, new in zip(changes[::2], changes[1::2]):
            if mutant.count(old) != 1:
                sys.exit(f"{mutations}: {name}: '{old}' is {mutant.count(old)} times in {', '.join(sources)}")
            mutant = mutant.replace(old, new)
        written.append(f"namespace bab::mutant::{name} {{\n{mutant}}}\n\n")
        names.append(", ".join([name, *arguments]))
    written.append(f"#define BAB_MUTANTS(EACH) {' '.join(f'EACH({name})' for name in names)}\n")
    pathlib.Path(out).write_text("".join(written), encoding="utf-8")


main(*sys.argv[1:])
