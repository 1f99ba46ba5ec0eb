#!/usr/bin/python3
"""A secondary process beside a primary one with bab's objects: what can't work is refused, and nothing breaks."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import hugepages
import tap

NO_HUGEPAGES = hugepages.obstacle()


class Secondary(unittest.TestCase):
    @unittest.skipIf(NO_HUGEPAGES, NO_HUGEPAGES)
    def test_c25_is_refused_pools_rings_and_the_primarys_frames(self):
        with tempfile.TemporaryDirectory(prefix="secondary-") as directory, hugepages.reserved(), \
                hugepages.mounted(os.path.join(directory, "huge")) as mount:
            run = subprocess.run([os.environ["SECONDARY"], os.path.basename(directory), mount], capture_output=True,
                                 text=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))


if __name__ == "__main__":
    tap.main()
