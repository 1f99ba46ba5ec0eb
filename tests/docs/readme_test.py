#!/usr/bin/python3
"""The README's commands run, in order, in one directory. Its table of engines is complete."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

import tap
from code_block import blocks

ROOT = os.environ["BAB_SOURCE_ROOT"]
PROGRAM = os.environ["TESTBAB"]

# Not run here: these run this test, or change the machine.
ELSEWHERE = ("tools/run", "tools/test", "tools/bind", "testbab -l 0-2 -a")


def commands():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read()
    return [line.split("  #")[0].strip() for block in blocks(text, "sh") for line in block.splitlines() if line]


class Readme(unittest.TestCase):
    def test_commands(self):
        here = [c for c in commands() if not c.startswith(ELSEWHERE + ("tshark", ))]
        self.assertGreaterEqual(len(here), 5)
        self.run_all(here)

    def test_tshark(self):
        """tshark's commands need the capture that another command makes."""
        if not shutil.which("tshark"):
            self.skipTest("tshark isn't installed")
        here = [c for c in commands() if c.startswith("tshark")]
        self.assertGreaterEqual(len(here), 1)
        self.run_all([c for c in commands() if "tx_pcap=out.pcap" in c] + here)

    def test_prompt(self):
        """The README's commands at the prompt, from a pipe."""
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            sessions = blocks(file.read(), "testbab")
        self.assertEqual(len(sessions), 1)
        with tempfile.TemporaryDirectory(prefix="bab-readme-") as directory:
            done = subprocess.run([PROGRAM, "-i"], cwd=directory, input=sessions[0], timeout=60, capture_output=True,
                                  text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(done.stdout.count("good: every message accounted for"), 2, done.stdout)

    def run_all(self, here):
        with tempfile.TemporaryDirectory(prefix="bab-readme-") as directory:
            environment = {**os.environ, "PATH": f"{os.path.dirname(PROGRAM)}:{os.environ['PATH']}"}
            for command in here:
                with self.subTest(command=command):
                    done = subprocess.run(command, shell=True, cwd=directory, env=environment, timeout=60,
                                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}\n{done.stderr}")
                    self.assertNotEqual(done.stdout, "")

    def test_engines(self):
        """Its table has the engines of --help, in that order."""
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            table = re.search(r"^\| engine \|.*\n\|[-|]+\n((?:\|.*\n)+)", file.read(), re.MULTILINE)[1]
        said = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        listed = re.search(r"^Engines:\n((?:  .*\n)+)", said, re.MULTILINE)[1]
        engines = re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)
        self.assertGreater(len(engines), 5)
        self.assertEqual(re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE), engines)

    def test_only_known_commands_are_left_out(self):
        for known in ELSEWHERE:
            self.assertTrue(any(c.startswith(known) for c in commands()), f"the README no longer has {known}")


if __name__ == "__main__":
    tap.main()
