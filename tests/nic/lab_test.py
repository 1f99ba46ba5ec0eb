#!/usr/bin/python3
"""The lab itself, without a guest."""

import glob
import gzip
import importlib
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tempfile
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
    """Kernels in a bzImage made here; the header has only what is read of it."""

    ELF = b"\x7fELF" + os.urandom(1000) + bytes(100_000)

    def setUp(self):
        # pylint: disable=consider-using-with  # goes with the test
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.image, self.vmlinux = (os.path.join(directory.name, name) for name in ("vmlinuz", "vmlinux"))

    def extract(self, payload):
        with open(self.image, "wb") as file:
            header = bytearray(3 * 512)
            header[0x1F1] = 2  # sectors of set-up behind the first
            struct.pack_into("<II", header, 0x248, 0, len(payload))
            file.write(header + payload)
        kernel._extract(self.image, self.vmlinux)
        with open(self.vmlinux, "rb") as file:
            return file.read()

    def payloads(self):
        size = struct.pack("<I", len(self.ELF))
        yield "xz", lzma.compress(self.ELF, check=lzma.CHECK_CRC32) + size
        yield "gzip", gzip.compress(self.ELF)  # its own last word
        for program, *options in ("lz4", "-l"), ("zstd",):
            if shutil.which(program):
                yield program, subprocess.run([program, "-c", *options], input=self.ELF, capture_output=True,
                                              check=True).stdout + size

    def test_each_way(self):
        for name, payload in self.payloads():
            with self.subTest(name):
                self.assertEqual(self.extract(payload), self.ELF)

    def test_damaged_ones(self):
        for name, payload in self.payloads():
            half = payload[:len(payload) // 2]
            for damaged in half, half + payload[-4:], payload[:-1] + b"\x7f":
                with self.subTest(name), self.assertRaises(kernel.Unavailable):
                    self.extract(damaged)

    def test_another_way(self):
        with self.assertRaisesRegex(kernel.Unavailable, "has no kernel in it that lz4"):
            self.extract(b"BZh9" + self.ELF)


if __name__ == "__main__":
    tap.main()
