#!/usr/bin/python3
"""Every C++ fragment of the examples' page is in an example, word for word. A line of "…" stands for other lines."""

import glob
import os
import re
import textwrap
import unittest

import tap
from code_block import blocks

ROOT = os.environ["BAB_SOURCE_ROOT"]
EXAMPLES = os.path.join(ROOT, "apps", "examples")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def parts(fragment):
    """The parts between lines of "…", without their common indent."""
    return [textwrap.dedent(part).rstrip("\n") for part in re.split(r"^ *…\n", fragment, flags=re.MULTILINE)]


def stands_in(part, source):
    wanted = part.split("\n")
    lines = source.split("\n")
    return any(textwrap.dedent("\n".join(lines[i : i + len(wanted)])) == part
               for i in range(len(lines) - len(wanted) + 1))


class Fragments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = read(EXAMPLES, "README.md")
        cls.sources = [read(path) for path in glob.glob(os.path.join(EXAMPLES, "*.cpp"))]

    def is_there(self, fragment):
        return any(all(stands_in(part, source) for part in parts(fragment)) for source in self.sources)

    def test_each_stands_in_an_example(self):
        fragments = blocks(self.page, "cpp")
        self.assertGreaterEqual(len(fragments), 6)
        for fragment in fragments:
            with self.subTest(fragment=fragment):
                self.assertTrue(self.is_there(fragment), f"no example has this any more:\n{fragment}")

    def test_one_that_drifted_would_be_noticed(self):
        for fragment in blocks(self.page, "cpp"):
            changed = re.sub(r"(\w)\(", r"\1_(", fragment, count=1)
            self.assertNotEqual(changed, fragment)
            self.assertFalse(self.is_there(changed), changed)

    def test_links_lead_somewhere(self):
        links = re.findall(r"\]\(([^)#:]+)\)", self.page)
        self.assertGreaterEqual(len(links), 6)
        for link in links:
            self.assertTrue(os.path.exists(os.path.join(EXAMPLES, link)), link)

    def test_the_picture_is_the_headers(self):
        picture = re.search(r"^```\n(rte_mbuf .*?)^```$", self.page, re.MULTILINE | re.DOTALL)[1]
        header = re.sub(r"^// ? ? ? ? ?", "", read(ROOT, "include", "bab", "memory", "packet.hpp"), flags=re.MULTILINE)
        self.assertIn(picture, header)


if __name__ == "__main__":
    tap.main()
