#!/usr/bin/python3
"""The performance page is made from the kept results, and tools/bench gives results of that form."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import tap

ROOT = pathlib.Path(os.environ["BAB_SOURCE_ROOT"])
KEPT = ROOT / "tests" / "perf" / "results"
GOALS = {
    "pool_acquire_release": 0.5, "packet_clone_drop": 0.2, "packet_send_receive": 1.0, "local_writer_32": 1.25,
    "local_writer_coro_32": 1.1, "local_writer_packet_32": 2.0, "shared_writer_32": 1.2,
    "shared_writer_32_two_lcores": 1.3, "framer_32": 1.5, "channel_32": 2.0, "e2e_32": 1.15, "e2e_64": 1.15,
    "e2e_256": 1.15, "e2e_1024": 1.15, "txonly_frames": 1.3, "relay_1500_to_9000": 1.5, "ping_rtt_p50": 4,
}  # fmt: skip
TWO_LCORES = re.compile("^(e2e|channel|ping|beside|.*two_lcores|operator_new)")


class Results(unittest.TestCase):
    def check(self, path):
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        self.assertLessEqual({"cpu", "compiler", "flags", "commit", "dpdk"}, results["machine"].keys())
        for row in results["rows"]:
            with self.subTest(row=row["name"]):
                self.assertGreaterEqual(row["runs"], 5)
                self.assertLessEqual(row["min_ns"], row["ns"])
                self.assertLessEqual(row["ns"], row["max_ns"])
                self.assertIn(row["unit"].split("/")[0], ("ns", "allocations"))
                if row["floor_name"] is not None:
                    self.assertGreater(row["ns"], 0)
                    self.assertAlmostEqual(row["ratio"], row["ns"] / row["floor_ns"])
                if TWO_LCORES.match(row["name"]):
                    self.assertGreater(row["pingpong_ns"], 0)
        return {row["name"]: row for row in results["rows"]}

    def test_kept_results_are_whole(self):
        rows = self.check(KEPT / "rows.json")
        self.assertEqual({name: rows[name]["goal"] for name in GOALS}, GOALS)
        self.assertEqual(rows["operator_new_per_message"]["ns"], 0)
        for name in ("peers", "growth"):
            self.assertGreaterEqual(len(self.check(KEPT / f"{name}.json")), 12)

    def test_the_page_is_made_of_them(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            subprocess.run([ROOT / "tools/lib/performance_page.py", KEPT, page], check=True)
            kept = (ROOT / "tests/perf/PERFORMANCE.md").read_text(encoding="utf-8")
            self.assertEqual(page.read_text(encoding="utf-8"), kept, "tools/bench --keep writes it anew")

    @unittest.skipUnless(os.environ.get("BAB_LONG"), "builds and runs the benchmark: BAB_LONG=1")
    def test_quick(self):
        if not shutil.which("gnuplot"):
            self.skipTest("gnuplot isn't installed")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.json"
            picture = pathlib.Path(folder) / "rows.png"
            done = subprocess.run([ROOT / "tools/bench", "--quick", f"--json={path}", f"--plot={picture}"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertLessEqual(GOALS.keys(), self.check(path).keys())
            self.assertTrue(picture.read_bytes().startswith(b"\x89PNG"))


if __name__ == "__main__":
    tap.main()
