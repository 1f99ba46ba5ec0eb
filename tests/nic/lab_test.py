#!/usr/bin/python3
"""The lab itself, without a guest."""

import glob
import gzip
import importlib
import lzma
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import kernel
import tap
from nic_case import guest


class Files(unittest.TestCase):
    def test_every_one_loads(self):
        """Those of the whole matrix too, in which every check meets every other."""
        for path in glob.glob(os.path.join(HERE, "*.py")):
            with self.subTest(path):
                importlib.import_module(os.path.basename(path).removesuffix(".py"))


class Checks(unittest.TestCase):
    class First:
        def judge(self):
            pass

    class Second:
        def judge(self):
            pass

    class Later(First):
        def judge(self):
            pass

    class OfTheBase:
        def assert_messages(self):
            pass

    def test_one_that_calls_the_function_of_another_is_refused(self):
        for pair in (self.First, self.Second), (self.Later, self.Second), (self.OfTheBase,):
            with self.subTest(pair), self.assertRaisesRegex(TypeError, "both have a function (judge|assert_messages)"):
                guest("virtio", "uio", pair)

    def test_one_may_refine_its_base(self):
        guest("virtio", "uio", (self.Later,))


class Packed(unittest.TestCase):
    ELF = b"\x7fELF" + bytes(range(256)) * 64

    def test_as_kernels_and_modules_are(self):
        packed = [lzma.compress(self.ELF), gzip.compress(self.ELF)]
        for program, *options in ("lz4", "-l"), ("zstd",):
            if shutil.which(program):
                packed.append(subprocess.run([program, "-c", *options], input=self.ELF, capture_output=True,
                                             check=True).stdout)
        for data in packed:
            with self.subTest(data[:6].hex()):
                self.assertEqual(kernel.unpacked(data), self.ELF)

    def test_as_nothing_here_packs(self):
        self.assertEqual(kernel.unpacked(b"BZh9"), b"BZh9")

    def test_half_of_one(self):
        with self.assertRaises(kernel.Unavailable):
            kernel.unpacked(gzip.compress(self.ELF)[:40])
        self.assertNotEqual(kernel.unpacked(lzma.compress(self.ELF)[:80]), self.ELF)


if __name__ == "__main__":
    tap.main()
