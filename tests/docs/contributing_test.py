#!/usr/bin/python3
"""The page for contributors names only files, folders, links and steps of tools/check that are there."""

import os
import pathlib
import re
import subprocess
import unittest

import tap

ROOT = pathlib.Path(os.environ["BAB_SOURCE_ROOT"])
PAGE = ROOT / "tools" / "CONTRIBUTING.md"
TREES = ("apps/", "include/", "src/", "tests/", "tools/", ".ci/")
STANDS_FOR_ANOTHER = re.compile("NAME|FORMAT|FLOOR")  # of the reader's choice


class Contributing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = PAGE.read_text(encoding="utf-8")

    def test_paths_are_there(self):
        paths = [path for path in re.findall("`([^` ]+)`", self.page)
                 if path.startswith(TREES) and not STANDS_FOR_ANOTHER.search(path)]
        self.assertGreater(len(paths), 30)
        for path in paths:
            self.assertTrue((ROOT / path).exists(), path)

    def test_links_lead_somewhere(self):
        links = re.findall(r"\]\(([^)#:]+)\)", self.page)
        self.assertGreaterEqual(len(links), 4)
        for link in links:
            self.assertTrue((PAGE.parent / link).exists(), link)

    def test_steps_of_the_check_are_there(self):
        listed = subprocess.run([ROOT / "tools" / "check", "--list"], capture_output=True, text=True, check=True).stdout
        steps = {line.split(" ")[0] for line in listed.splitlines()}
        named = {step for line in re.findall(r"`tools/check ((?:[a-z]+ ?)+)`", self.page) for step in line.split()}
        named |= {step for line in re.findall(r"^tools/check ((?:[a-z]+ )+)", self.page, re.MULTILINE)
                  for step in line.split()}
        self.assertGreater(len(named), 4)
        self.assertLessEqual(named, steps)


if __name__ == "__main__":
    tap.main()
