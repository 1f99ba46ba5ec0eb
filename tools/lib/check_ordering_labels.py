#!/usr/bin/python3
"""Checks that every memory ordering of the library names its partner, by a label that grep finds.

    check_ordering_labels.py [ROOT]

A label is an A (it acquires) or an R (it releases) with a number. It stands in a comment on the operation's line or on
one of the three lines above it, followed by its partner, which has the other letter and the same number:

    // R1: pairs with A1 (relieve()): the lcore that sees the need sees its cause.
    // A0, R0: pairs with R0, A0 of the other give_up() of this buffer.

Several operations may have the same label. A number belongs to one protocol and is used nowhere else. An operation
that pairs with the same one on other lcores has both letters and "pairs with itself". If the partner is not ours, the
label names its owner (one of OUTSIDE): "// A5: pairs with DPDK (the ring's tail)"; or it says "not in this tree".

A label needs an operation of its letter, too, on its line or up to three lines below its comment: an order that was
weakened is found by the label that it leaves behind. An operation that names no order is sequentially consistent.

An operation with acquire needs an A, one with release an R, and one with acq_rel or seq_cst either of them. Fences
count as operations. So do atomics of GCC (__ATOMIC_ACQUIRE) and DPDK's barriers. Operations that name no order are
not found, although they are sequentially consistent: they may carry a label as a partner.
"""

import os
import re
import sys

ORDERING = re.compile(r"memory_order(?:_|::)(acquire|release|acq_rel|seq_cst)\b|"
                      r"__ATOMIC_(ACQUIRE|RELEASE|ACQ_REL|SEQ_CST)\b|\brte_(?:smp_|io_)?(r|w)?mb\(")
NO_ORDER = re.compile(r"\.(?:load|store|exchange|compare_exchange_\w+|fetch_\w+)\((?![^;]*memory_order)|"
                      r"\brte_\w+\(")
NEEDS = {"acquire": "A", "release": "R", "r": "A", "w": "R"}  # of the others either will do
NAMES = r"[AR]\d+(?:(?:,| and)? [AR]\d+)*"
LABELS = re.compile(rf"\b({NAMES}):(?=(?:\s+[AR]\d+)?\s+pairs?\s+with\s)")
NAME = re.compile(r"\b([AR])(\d+)\b")
OUTSIDE = ("DPDK", "the device", "the kernel")
NOT_HERE = "not in this tree"
LINES_ABOVE = 3


class Label:
    """A letter and its number, on a line, with the text up to the next label or the comment's end."""

    def __init__(self, letter, number, path, line, text):
        self.letter, self.number, self.path, self.line = letter, number, path, line
        self.last_line = line  # of its comment
        self.is_outside = NOT_HERE in text or text.startswith(tuple(f"pairs with {owner}" for owner in OUTSIDE))
        named = {"".join(name) for name in NAME.findall(text)}
        self.names_its_partner = self.is_outside or self.partner() in named or "pairs with itself" in text

    def __str__(self):
        return f"{self.letter}{self.number}"

    def partner(self):
        return f"{'R' if self.letter == 'A' else 'A'}{self.number}"


def code_and_comment(line):
    """The two parts of a line. No string of the library has two slashes after an atomic operation."""
    code, slashes, comment = line.partition("//")
    return code, comment.lstrip("/") if slashes else None


def blocks(lines):
    """(first line, text) of each run of comments: comments on successive lines are one."""
    first, text = None, []
    for number, line in enumerate([*lines, ""], 1):
        code, comment = code_and_comment(line)
        if text and (comment is None or code.strip()):
            yield first, "\n".join(text)
            text = []
        if comment is not None:
            first = number if not text else first
            text.append(comment)


def labels_of(path, lines):
    found = []
    for first, text in blocks(lines):
        starts = list(LABELS.finditer(text))
        for start, following in zip(starts, [*starts[1:], None]):
            line = first + text.count("\n", 0, start.start())
            partners = re.sub(r"\s+", " ", text[start.end():following.start() if following else None]).strip()
            found += [Label(*name, path, line, partners) for name in NAME.findall(start.group(1))]
            for label in found[-len(NAME.findall(start.group(1))):]:
                label.last_line = first + text.count("\n")
    return found


def orderings_of(lines):
    """(line, name of the order in lower case) of each operation."""
    for number, line in enumerate(lines, 1):
        for order in ORDERING.findall(code_and_comment(line)[0]):
            yield number, "".join(order).lower()


def faults_of_operations(path, lines, labels):
    for line, order in orderings_of(lines):
        letters = {label.letter for label in labels if 0 <= line - label.line <= LINES_ABOVE}
        needed = NEEDS.get(order)
        if not letters or (needed and needed not in letters):
            yield f"{path}:{line}: {order or 'a barrier'} without a label {needed or 'A or R'}, as in " \
                  f"\"// {needed or 'A'}0: pairs with {'A' if needed == 'R' else 'R'}0\""


def has_operation(label, lines):
    """An operation of its letter, or one that names no order, stands where the label may be."""
    below = "\n".join(code_and_comment(line)[0] for line in lines[label.line - 1:label.last_line + LINES_ABOVE])
    orders = {"".join(order).lower() for order in ORDERING.findall(below)}
    return any(NEEDS.get(order, label.letter) == label.letter for order in orders) or NO_ORDER.search(below)


def faults_of_labels(labels):
    names = {str(label) for label in labels}
    for label in labels:
        where = f"{label.path}:{label.line}: {label}"
        if not label.names_its_partner:
            yield f"{where} doesn't name {label.partner()} or one of: {', '.join(OUTSIDE)}"
        elif not label.is_outside and label.partner() not in names:
            yield f"{where} has no partner: there is no label {label.partner()}"


def read_files(root):
    for tree in (os.path.join("include", "bab"), "src"):
        for folder, _, names in sorted(os.walk(os.path.join(root, tree))):
            for name in sorted(names):
                if name.endswith((".hpp", ".cpp", ".h")):
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as source:
                        yield os.path.relpath(path, root), source.read().splitlines()


def main(root):
    found, labels, operations = [], [], 0
    for path, lines in read_files(root):
        own = labels_of(path, lines)
        found += faults_of_operations(path, lines, own)
        found += [f"{path}:{label.line}: {label} has no operation of its letter below it"
                  for label in own if not has_operation(label, lines)]
        labels += own
        operations += len(list(orderings_of(lines)))
    found += faults_of_labels(labels)
    pairs = len({label.number for label in labels})
    print("\n".join(found) or f"{operations} orderings have labels, of {pairs} protocols")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
