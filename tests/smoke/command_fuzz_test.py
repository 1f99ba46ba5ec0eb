#!/usr/bin/python3
"""Lines at random, thousands of them through one process: testbab must not crash, hang or end before it is told to."""

import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import tap
import testbab
from prompt import run_script
from smoke_case import SmokeCase

SEED = int(os.environ.get("BAB_SEED") or random.SystemRandom().randrange(1 << 32))
LINES = 50000 if testbab.LONG else 4000
# What takes long by design, ends the script, or fills a disk: not in here.
LEFT_OUT = re.compile(r"^\s*(quit|wait|load|capture)\b|^\s*set (rate|verbose)\b")
NUMBERS = "0", "1", "7", "64", "65535", "4294967296", "18446744073709551616", "-1", "00", "1.5", "1e9", "0x10", "९"
WORDS = ("all", "json", "N", "frame", "us", "messages", "tx_first", "#", "?", "\t", "(", "[json]", "…", "\x1b[A",
         "\x07", "\x7f", "\xff", "x" * 127, "x" * 128, "x" * 505, "%s%n", "'", '"', "\\", "$(true)", "loop", "ping",
         "macswap")


class Fuzz(SmokeCase):
    def setUp(self):
        super().setUp()
        self.source = random.Random(f"{SEED} {tap.case_name(self)}")
        help_text = run_script("help\n", directory=self.directory).stdout
        self.syntaxes = re.findall(r"^  ([a-z].*?)(?:  +.*)?$", help_text, re.M)
        self.assertGreater(len(self.syntaxes), 15)
        self.words = sorted({word for syntax in self.syntaxes for word in re.findall(r"[a-z_]+", syntax)})

    def command(self):
        """A command that is right, or nearly so."""
        line = self.source.choice(self.syntaxes)
        while "(" in line:
            line = re.sub(r"\(([^()]*)\)", lambda m: self.source.choice(m.group(1).split("|")), line, count=1)
        line = re.sub(r"\[(json|tx_first|N|WORD)\]", lambda m: self.source.choice(("", m.group(1))), line)
        line = re.sub(r"\bN\[[^ ]*\]|\b[NM]\b", lambda _: self.source.choice(NUMBERS), line)
        return re.sub(r"\bMODE\b", lambda _: self.source.choice(WORDS + ("flowgen", "null")), line)

    def mutated(self, line):
        characters = list(line)
        for _ in range(self.source.randrange(1, 4)):
            at = self.source.randrange(len(characters) + 1)
            what = self.source.choice(("insert", "remove", "double"))
            if what == "insert":
                characters.insert(at, chr(self.source.choice((*range(1, 10), *range(11, 127), 233, 8364))))
            elif characters:
                at = min(at, len(characters) - 1)
                characters[at:at + 1] = [] if what == "remove" else [characters[at]] * 2
        return "".join(characters)

    def line(self):
        kind = self.source.random()
        if kind < 0.35:
            return self.command()
        if kind < 0.6:
            return self.mutated(self.command())
        if kind < 0.9:
            pool = [*self.words, *NUMBERS, *WORDS]
            return " ".join(self.source.choice(pool) for _ in range(self.source.randrange(1, 7)))
        return "".join(chr(self.source.randrange(1, 256)) for _ in range(self.source.randrange(0, 700)))

    def lines(self, count):
        while count > 0:
            line = self.line().replace("\n", " ").replace("\r", " ")
            if not LEFT_OUT.search(line):
                count -= 1
                yield line

    def test_lines(self):
        lines = list(self.lines(LINES))
        text = "\n".join(lines) + "\nset burst 77\nshow config rxtx json\n"
        done = run_script(text, "--keep-going", "--count=2000", directory=self.directory, timeout=170)
        self.keep(text, done)
        self.assertEqual(done.returncode, 1, f"BAB_SEED={SEED} {done.stderr[-2000:]}")
        self.assertIn('"burst":77', done.stdout.splitlines()[-1] + done.stdout[-20000:], f"BAB_SEED={SEED}")
        self.assert_no_noise_but_lines(done)
        self.assertNotIn("FAULT", done.stdout, f"BAB_SEED={SEED}")
        failures = done.stderr.count("testbab: standard input:")
        print(f"# {len(lines)} lines, {len(lines) - failures} of them commands", flush=True)
        self.assertGreater(len(lines) - failures, LINES // 20)
        self.assertGreater(failures, LINES // 4)

    def test_bytes(self):
        """Random bytes, without lines."""
        text = "".join(self.source.choice((" ", "\n", "\0", "start", "stop", "\x03", "\x04", "é", "show port "))
                       for _ in range(LINES)) + "\nset burst 77\nshow config rxtx json\n"
        done = run_script(text, "--keep-going", "--count=2000", directory=self.directory, timeout=170)
        self.assertEqual(done.returncode, 1, f"BAB_SEED={SEED} {done.stderr[-2000:]}")
        self.assertIn('"burst":77', done.stdout, f"BAB_SEED={SEED}")

    def keep(self, text, done):
        if done.returncode not in (0, 1) and (where := os.environ.get("BAB_KEEP")):
            with open(os.path.join(where, "fuzz.txt"), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)

    def assert_no_noise_but_lines(self, done):
        """Each failure is one line that says where."""
        strange = [line for line in done.stderr.split("\n") if line and not re.match(r"testbab: ", line)]
        self.assertEqual(strange[:3], [], f"BAB_SEED={SEED}")


if __name__ == "__main__":
    print(f"# BAB_SEED={SEED}", flush=True)
    tap.main()
