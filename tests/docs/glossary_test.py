#!/usr/bin/python3
"""Each file that the glossary names is there, and each bab::Name in it is declared in a public header."""

import os
import pathlib
import re
import unittest

import tap

ROOT = pathlib.Path(os.environ["BAB_SOURCE_ROOT"])
PAGE = ROOT / "apps" / "guide" / "glossary.md"
HEADERS = ROOT / "include" / "bab"


def rows(text):
    """(term, meaning, where) of each row of its tables."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return [row for row in cells if row[0] != "term" and not row[0].startswith("---")]


def declares(name):
    """A pattern for the declaration of a class, an alias, a concept, an enumerator or a member."""
    return re.compile(rf"\b(?:class|struct|enum class|concept|using) (?:alignas\(\w+\) )?{name}\b|^ +{name}\b *[=,;]|"
                      rf"\bconstexpr [\w:]+ {name}\b", re.MULTILINE)


class Glossary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows(PAGE.read_text(encoding="utf-8"))
        cls.headers = "\n".join(path.read_text(encoding="utf-8") for path in sorted(HEADERS.rglob("*.hpp")))

    def is_declared(self, name):
        return all(declares(part).search(self.headers) for part in name.split("::"))

    def test_files_are_there(self):
        self.assertGreater(len(self.rows), 50)
        for term, _, where in self.rows:
            with self.subTest(term):
                text, target = re.fullmatch(r"\[(.*)\]\((.*)\)", where).groups()
                self.assertTrue((PAGE.parent / target).is_file(), target)
                self.assertTrue(target.endswith("/" + text), where)

    def test_names_are_declared(self):
        names = {name for row in self.rows for name in re.findall(r"\bbab::([\w:]+)", row[1])}
        self.assertGreater(len(names), 30)
        for name in sorted(names):
            with self.subTest(name):
                self.assertTrue(self.is_declared(name), f"no header declares bab::{name}")

    def test_a_name_that_is_not_there_would_be_noticed(self):
        for name in "Packets", "RunOn::kThere", "lcore":
            self.assertFalse(self.is_declared(name), name)

    def test_each_term_has_one_meaning(self):
        terms = [term for row in self.rows for term in row[0].split(", ")]
        self.assertEqual(sorted(terms), sorted(set(terms)))


if __name__ == "__main__":
    tap.main()
