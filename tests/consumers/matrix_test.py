#!/usr/bin/python3
"""Installed builds of bab, each in applications with all usual compiler flags. Takes minutes.

LIBRARIES names the builds: release=PREFIX debug=PREFIX…; a row whose library isn't there is skipped.
`tools/check install` makes all of them.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import tap
from consumer import Application, Library

LIBRARIES = {name: Library(prefix) for name, prefix in
             (each.split("=", 1) for each in os.environ.get("LIBRARIES", "").split())}

PLAIN = ("", "-O0 -g", "-O2 -DNDEBUG")
ALL = (
    *PLAIN,
    "-O3 -DNDEBUG -march=native",
    "-O2 -march=x86-64-v3",
    "-O1 -std=c++23",
    "-O1 -std=c++26",
    "-O2 -D_GLIBCXX_ASSERTIONS -D_FORTIFY_SOURCE=2",
    "-O1 -fno-exceptions",
    "-O1 -fno-rtti",
    "-O0 -fno-exceptions -fno-rtti",
    "-O2 -fvisibility=hidden -fvisibility-inlines-hidden",
    "-O2 -flto",
    "-O1 -fPIC -funsigned-char -fno-strict-aliasing",
    "-O1 -fsanitize=address",
    "-O1 -fsanitize=undefined",
    "-O1 -fsanitize=thread",
)
FEW = (*PLAIN, "-O1 -fno-exceptions -fno-rtti", "-O2 -flto")
# Program, library, compiler, flags. Sanitizers need the runtime of the compiler that built the
# library.
PARTS = tuple(("parts", *row) for row in (
    *(("release", compiler, flags) for compiler in ("g++", "clang++") for flags in ALL),
    *(("debug", "g++", flags) for flags in ALL),
    *(("debug", "clang++", flags) for flags in FEW),
    *(("clang", compiler, flags) for compiler in ("g++", "clang++") for flags in FEW),
    *(("lto", "g++", flags) for flags in FEW),
    *(("shared", compiler, flags) for compiler in ("g++", "clang++")
      for flags in (*FEW, "-O2 -fvisibility=hidden -fvisibility-inlines-hidden")),
    *(("asan", "g++", flags) for flags in (*PLAIN, "-O1 -fno-exceptions", "-O1 -fno-rtti",
                                           "-O1 -fsanitize=address", "-O1 -fsanitize=address,undefined -DNDEBUG")),
    *(("tsan", "g++", flags) for flags in (*PLAIN, "-O1 -fsanitize=thread")),
))
# Only bab orders what these lcores do. ThreadSanitizer may watch any part of the program, and must
# report nothing.
THREADS = tuple(("threads", *row) for row in (
    *(("release", compiler, flags) for compiler in ("g++", "clang++")
      for flags in ("-O1", "-O0 -fsanitize=thread", "-O2 -fsanitize=thread",
                    "-O1 -fsanitize=thread -DRTE_USE_C11_MEM_MODEL=1")),
    ("debug", "g++", "-O1 -fsanitize=thread"),
    *(("tsan", "g++", flags) for flags in ("-O0", "-O2", "-O1 -fsanitize=thread",
                                           "-O1 -fsanitize=thread -DRTE_USE_C11_MEM_MODEL=1")),
))


def is_wanted(row):
    """As tap.main() takes its arguments."""
    return not sys.argv[1:] or any(word in "Rows." + " ".join(row) for word in sys.argv[1:])


def link_flags(flags):
    return [flag for flag in flags.split() if flag.startswith(("-fsanitize", "-flto"))]


def knows(compiler, flags):
    """Whether it has that standard."""
    return all(subprocess.run([compiler, flag, "-fsyntax-only", "-x", "c++", "/dev/null"], stderr=subprocess.DEVNULL,
                              check=False).returncode == 0
               for flag in flags.split() if flag.startswith("-std="))


class Rows(unittest.TestCase):
    """As many threads as there are CPUs build and run the rows. A row's test waits for its result."""

    maxDiff = None  # show the whole report

    @classmethod
    def setUpClass(cls):
        # pylint: disable=consider-using-with  # the class's cleanup removes the folder
        directory = tempfile.TemporaryDirectory(prefix="bab-matrix-")
        cls.addClassCleanup(directory.cleanup)
        cls.pool = ThreadPoolExecutor(os.cpu_count())
        cls.addClassCleanup(cls.pool.shutdown, cancel_futures=True)
        cls.done = {row: cls.pool.submit(cls.attempt, os.path.join(directory.name, str(n)), *row)
                    for n, row in enumerate((*PARTS, *THREADS))
                    if row[1] in LIBRARIES and is_wanted(row) and shutil.which(row[2]) and knows(*row[2:])}

    @staticmethod
    def attempt(directory, program, library, compiler, flags):
        os.mkdir(directory)
        application = Application(LIBRARIES[library], directory, compiler)
        if program == "parts":
            application.add("part.cpp", *flags.split())
            application.add("part.cpp", "-O1")  # the same code again with other flags
            application.add("main.cpp", "-O1")
        else:
            application.add("threads.cpp", *flags.split())
        try:
            return application.run(*link_flags(flags))
        finally:
            shutil.rmtree(directory)

    def expect(self, row, said):
        if row not in self.done:
            self.skipTest(f"no library {row[1]}, or {row[2]} isn't here or doesn't know {row[3]}")
        self.assertEqual(self.done[row].result(), (0, said))


def test_of(row, said):
    return lambda self: self.expect(row, said)


for each in PARTS:
    setattr(Rows, "test_" + " ".join(each), test_of(each, "2 parts, 0 failures\n"))
for each in THREADS:
    setattr(Rows, "test_" + " ".join(each), test_of(each, "good\n"))


class Others(unittest.TestCase):
    def setUp(self):
        # pylint: disable=consider-using-with  # the test's cleanup removes the folder
        directory = tempfile.TemporaryDirectory(prefix="bab-consumer-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def library(self, name):
        if name not in LIBRARIES:
            self.skipTest(f"no library {name}")
        return LIBRARIES[name]

    def application(self, library, source, *flags):
        return Application(self.library(library), self.directory).add(source, *flags)

    def expect_refusal(self, outcome, sentence):
        self.assertEqual(outcome[0], -signal.SIGABRT, outcome[1])
        self.assertRegex(outcome[1], sentence)

    def test_a_translation_unit_tells_thread_sanitizer_what_it_does_itself(self):
        """In both orders of the linker's arguments."""
        watched = ("told.cpp", "-O0", "-DTELLS=told_by_watched", "-D__SANITIZE_THREAD__=1")
        plain = ("told.cpp", "-O0", "-DTELLS=told_by_plain")
        for order in (watched, plain), (plain, watched):
            with self.subTest(first=order[0][2]):
                application = Application(self.library("release"), self.directory).add("told_main.cpp")
                for unit in order:
                    application.add(*unit)
                self.assertEqual(application.run(), (0, "watched 2, plain 0\n"))

    def test_a_library_of_another_build_at_run_time(self):
        for headers, runs, first, second in (("shared", "shared-debug", "without", "with"),
                                             ("shared-debug", "shared", "with", "without")):
            with self.subTest(headers=headers):
                outcome = self.application(headers, "refused.cpp").run(library=self.library(runs))
                self.expect_refusal(outcome, f"with the headers of bab [0-9.]+ {first} debug checks, .* and runs with "
                                             f"a library that is bab [0-9.]+ {second} debug checks, ")

    def test_each_header_says_first_what_it_may_not_be_compiled_with(self):
        """With any of bab's headers."""
        library = self.library("release")
        top = os.path.join(library.prefix, "include", "bab")
        headers = [os.path.join("bab", os.path.relpath(os.path.join(folder, name), top))
                   for folder, _, names in os.walk(top) for name in names if "detail" not in folder]
        self.assertGreater(len(headers), 60)
        compilers = [each for each in ("g++", "clang++") if shutil.which(each)]
        wanted = {"-std=c++17": "bab's headers are C\\+\\+20", "-D_GLIBCXX_DEBUG": "std::vector",
                  "-DRTE_LIBRTE_MEMPOOL_STATS": "mempools", "-DRTE_LIBRTE_MEMPOOL_DEBUG": "mempools"}
        rows = [(compiler, header, flag) for compiler in compilers for header in headers for flag in wanted]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = pool.map(lambda row: Application(library, self.directory, row[0]).first_error(*row[1:]), rows)
            for row, first in zip(rows, said, strict=True):
                with self.subTest(row=row):
                    self.assertRegex(first, wanted[row[2]])

    def test_what_passes_through_a_unit_without_exceptions(self):
        for name, compiler in ("release", "g++"), ("release", "clang++"), ("debug", "g++"), ("shared", "g++"):
            if name in LIBRARIES and shutil.which(compiler):
                with self.subTest(library=name, compiler=compiler):
                    application = Application(LIBRARIES[name], self.directory, compiler)
                    application.add("unwound.cpp", "-fno-exceptions", "-O1").add("unwinding.cpp", "-O1")
                    self.assertEqual(application.run(), (0, "".join(
                        f"{loop}: thrown, caches are empty\n" for loop in ("run", "run_tasks", "run_until"))))
                    self.expect_refusal(application.run(arguments=["task"]), "bab::Error(.|\n)*pool none: 0 buffers")

    def test_dpdk_linked_statically(self):
        """DPDK's drivers are linked once: with two copies of EAL, one of them shared, EAL panics."""
        application = self.application("release", "part.cpp", "-O1").add("main.cpp")
        self.assertEqual(application.run(static_dpdk=True), (0, "1 parts, 0 failures\n"))
        needed = subprocess.run(["ldd", os.path.join(self.directory, "application")], capture_output=True, text=True,
                                check=True).stdout
        self.assertFalse(re.findall("librte_.*", needed))

    def test_what_bab_pc_asks_for(self):
        """Only what an application can use is installed."""
        flags = self.library("release").flags("--cflags", "--libs", "--print-requires", "--print-requires-private")
        self.assertFalse([flag for flag in flags if "json" in flag or flag.startswith("-std")])


if __name__ == "__main__":
    tap.main()
