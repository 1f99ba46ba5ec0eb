#!/usr/bin/python3
"""The options of the guide's commands exist, and its links. tests/nic/guide_test.py runs the commands in a guest."""

import os
import re
import subprocess
import unittest

import tap
from code_block import blocks

ROOT = os.environ["BAB_SOURCE_ROOT"]
GUIDE = os.path.join(ROOT, "apps", "guide")
PROGRAMS = {"testbab": os.environ["TESTBAB"], "bab-bind": os.path.join(ROOT, "tools", "bind")}
EAL = {"-l", "-a"}


# These pages have no commands.
FOR_READING = {"glossary.md"}


def pages(left_out=()):
    for name in sorted(set(os.listdir(GUIDE)) - set(left_out)):
        with open(os.path.join(GUIDE, name), encoding="utf-8") as file:
            yield name, file.read()


class Guide(unittest.TestCase):
    def test_options(self):
        known = {name: self.options(program) for name, program in PROGRAMS.items()}
        for page, text in pages(FOR_READING):
            commands = [line.split("  #")[0] for block in blocks(text, "sh") for line in block.splitlines()]
            self.assertGreater(len(commands), 10, page)
            for command in commands:
                for program, options in known.items():
                    if found := re.search(rf"\b{program} (.*)", command):
                        given = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", found[1]))
                        self.assertLessEqual(given, options | EAL, f"{page}: {command}")

    def test_numbers_are_those_of_the_commands(self):
        """Hugepages as MiB, the CPUs of lcores, one NIC or two."""
        for page, text in pages(FOR_READING):
            commands = [line.split("  #")[0] for block in blocks(text, "sh") for line in block.splitlines()]
            runs = [command for command in commands if re.search(r"\btestbab -l", command)]
            self.assertGreater(len(runs), 3, page)
            for run in runs:
                first, last = map(int, re.search(r" -l ([0-9]+)-([0-9]+) ", run).groups())
                # The main lcore forwards nothing; one of the others sends, another receives.
                self.assertGreaterEqual(last - first + 1, 3, f"{page}: {run}")
            count, = {int(n) for n in re.findall(r"--hugepages=([0-9]+)", "\n".join(commands))}
            self.assertEqual(re.findall(r"([0-9]+) ([MG])iB are enough", text), [(str(2 * count), "M")], page)
            cards = {card for run in runs for card in re.findall(r"-a ([0-9a-f]{2}:[0-9a-f]{2})\.[0-7]", run)}
            self.assertEqual(len(cards), 2, page)
            self.assertIn("two NICs becomes", text.split("\n##")[0], page)

    def options(self, program):
        said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
        return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", said))

    def test_links_lead_somewhere(self):
        for page, text in pages():
            for link in re.findall(r"\]\(([^)#:]+)\)", text):
                self.assertTrue(os.path.exists(os.path.join(GUIDE, link)), f"{page}: {link}")


if __name__ == "__main__":
    tap.main()
