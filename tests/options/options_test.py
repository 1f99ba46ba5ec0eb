#!/usr/bin/python3
"""D29: every combination of build options compiles. Guarded: nothing but this test keeps the options apart.

The quick form has bab.hpp alone compiled, not built: each option once with and once without, and each pair of them.
With BAB_LONG=1 it is all combinations, by both compilers, and meson's own options with the library built.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
import unittest

import tap

ROOT = os.environ["BAB_SOURCE_ROOT"]
BUILD = os.environ["BAB_BUILD_ROOT"]  # whose include folder has what the library was built with
THOROUGH = bool(os.environ.get("BAB_LONG"))

# What an application may choose, each a list of alternatives.
CHOICES = (
    ("-std=c++20", "-std=c++23"),
    ("", "-DNDEBUG"),
    ("", "-fsanitize=address", "-fsanitize=thread"),
    ("", "-DRTE_USE_C11_MEM_MODEL=1"),
    ("-march=corei7", "-march=native"),
    ("", "-fno-exceptions"),
    ("", "-fno-rtti"),
    ("", "-D_GLIBCXX_ASSERTIONS"),
)
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wold-style-cast",
            "-Werror")
# rte_ring's fences, which g++ says are lost on ThreadSanitizer; tests that rely on them annotate.
NO_TSAN_WARNING = {"g++": ("-Wno-tsan",), "clang++": ()}

MESON_OPTIONS = (
    ("--buildtype=debug", "--buildtype=release", "--buildtype=minsize"),
    ("-Ddefault_library=static", "-Ddefault_library=shared"),
    ("-Dcpu=native", "-Dcpu="),
    ("-Db_ndebug=true", "-Db_ndebug=false"),
)


def all_of(choices):
    return list(itertools.product(*choices))


def pairs_of(choices):
    """A few combinations in which each pair of alternatives occurs."""
    wanted = {
        frozenset(((i, a), (j, b)))
        for (i, one), (j, other) in itertools.combinations(enumerate(choices), 2)
        for a in one
        for b in other
    }
    left, chosen = all_of(choices), []

    def covers(combination):
        return {frozenset(pair) for pair in itertools.combinations(enumerate(combination), 2)} & wanted

    while wanted:
        best = max(left, key=lambda c: len(covers(c)))
        wanted -= covers(best)
        chosen.append(best)
    return chosen


def dpdk_flags():
    flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=True).stdout
    return [f"-isystem{flag[2:]}" if flag.startswith("-I") else flag for flag in flags.split()]


def compiles(compiler, combination, header):
    command = [compiler, "-fsyntax-only", *WARNINGS, *NO_TSAN_WARNING[compiler], *dpdk_flags(),
               *(flag for flag in combination if flag), f"-I{ROOT}/include", f"-I{BUILD}/include",
               "-include", header, "-x", "c++", "/dev/null"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class D29(unittest.TestCase):
    def compilers(self):
        return [c for c in ("g++", "clang++") if shutil.which(c)] if THOROUGH else ["g++"]

    def test_every_combination_of_compiler_options_compiles(self):
        for compiler in self.compilers():
            for combination in all_of(CHOICES) if THOROUGH else pairs_of(CHOICES):
                if compiler == "clang++":
                    combination = tuple(f.replace("c++23", "c++2b") for f in combination)
                with self.subTest(compiler=compiler, options=" ".join(filter(None, combination))):
                    done = compiles(compiler, combination, "bab/bab.hpp")
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_combination_that_does_not_compile_is_noticed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".hpp") as header:
            header.write('#include <bab/bab.hpp>\n#ifdef NDEBUG\n#error "debug builds only"\n#endif\n')
            header.flush()
            self.assertNotEqual(compiles("g++", ("-std=c++20", "-DNDEBUG"), header.name).returncode, 0)

    @unittest.skipUnless(THOROUGH, "builds the library many times: BAB_LONG=1")
    def test_every_combination_of_meson_options_builds(self):
        for combination in all_of(MESON_OPTIONS):
            with (self.subTest(options=" ".join(combination)),
                  tempfile.TemporaryDirectory(prefix="bab-d29-") as directory):
                for command in (["meson", "setup", *combination, "-Dtests=disabled", "-Dwerror=true", directory, ROOT],
                                ["ninja", "-C", directory]):
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    tap.main()
