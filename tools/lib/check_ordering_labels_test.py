#!/usr/bin/python3
"""What check_ordering_labels.py finds in a small tree."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_ordering_labels  # noqa: E402

RELEASE = "x.store(1, std::memory_order_release);"
ACQUIRE = "x.load(std::memory_order_acquire);"
PAIR = ["// R3: pairs with A3.", RELEASE, "// A3: pairs with R3 (above): it is seen.", ACQUIRE]


class Labels(unittest.TestCase):
    def check(self, *lines):
        """(status, what is printed) for a tree of one file."""
        with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()) as said:
            os.makedirs(os.path.join(root, "src"))
            with open(os.path.join(root, "src", "x.cpp"), "w", encoding="utf-8") as file:
                file.write("\n".join(lines))
            return check_ordering_labels.main(root), said.getvalue()

    def expect_fault(self, sentence, *lines, faults=1):
        status, said = self.check(*lines)
        self.assertEqual(status, 1)
        self.assertEqual(said.count("\n"), faults, said)
        self.assertIn(sentence, said)

    def test_good(self):
        for more in ([], ["// A4: pairs with DPDK (the ring).", "__atomic_load_n(p, __ATOMIC_ACQUIRE);"],
                     ["/// A3, R3: pairs", "/// with R3 and A3.", "x.fetch_sub(1, std::memory_order_acq_rel);"],
                     ["x.load(std::memory_order_relaxed);  // not std::memory_order_seq_cst"],
                     ["// Before. A3: pairs with R3. A5: pairs with the device.", "", "", ACQUIRE]):
            self.assertEqual(self.check(*PAIR, *more)[0], 0, more)

    def test_an_order_that_was_weakened(self):
        self.expect_fault("A3 has no operation of its letter below it", *PAIR[:3], "x.load(std::memory_order_relaxed);")
        self.expect_fault("R3 has no operation of its letter below it", PAIR[0], ACQUIRE + "  // A3: pairs with R3.",
                          *PAIR[2:])
        self.assertEqual(self.check(*PAIR[:3], "x.load();")[0], 0)  # sequentially consistent

    def test_without_a_label(self):
        for operation, letter in ((ACQUIRE, "A"), (RELEASE, "R"), ("__atomic_store_n(p, 1, __ATOMIC_RELEASE);", "R"),
                                  ("std::atomic_thread_fence(std::memory_order_seq_cst);", "A or R"),
                                  ("x.load(std::memory_order::acquire);", "A"), ("rte_smp_wmb();", "R"),
                                  ("rte_mb();", "A or R")):
            self.expect_fault("src/x.cpp:8: ", *PAIR, "", "", "", operation)
            self.expect_fault(f"without a label {letter},", *PAIR, "", "", "", operation)

    def test_with_the_other_letter(self):
        self.expect_fault("x.cpp:8: acquire without a label A", *PAIR, "", "", "// R3: pairs with A3.", ACQUIRE,
                          faults=2)

    def test_too_far_above(self):
        self.expect_fault("x.cpp:9: acquire", *PAIR, "// A3: pairs with R3.", "", "", "", ACQUIRE, faults=2)

    def test_without_a_partner(self):
        self.expect_fault("x.cpp:1: R3 has no partner", *PAIR[:2])
        self.expect_fault("x.cpp:5: A4 has no partner", *PAIR, "// A4: pairs with R4.", ACQUIRE)
        self.expect_fault("x.cpp:5: A3 doesn't name R3", *PAIR, "// A3: pairs with whatever releases.", ACQUIRE)


if __name__ == "__main__":
    unittest.main()
