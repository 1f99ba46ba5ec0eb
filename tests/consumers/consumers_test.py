#!/usr/bin/python3
"""An installed release build of bab works in applications with other flags: the few that matter most.

matrix_test.py has all flags, compilers and builds of the library.
"""

import os
import signal
import tempfile
import unittest

import tap
from consumer import Application, Library


class Consumers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # pylint: disable=consider-using-with  # the class's cleanup removes the folder
        cls.installed = tempfile.TemporaryDirectory(prefix="bab-consumers-")
        cls.addClassCleanup(cls.installed.cleanup)
        cls.library = Library.from_build(os.environ["BAB_BUILD_ROOT"], cls.installed.name)

    def setUp(self):
        # pylint: disable=consider-using-with  # the test's cleanup removes the folder
        directory = tempfile.TemporaryDirectory(prefix="bab-consumer-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.application = Application(self.library, self.directory)

    def test_translation_units_with_flags_of_their_own(self):
        """One unit takes buffers, another gives them back: with asserts, with sanitizers, without exceptions."""
        self.application.add("part.cpp", "-O0", "-fno-exceptions", "-fno-rtti")
        self.application.add("part.cpp", "-O1", "-DNDEBUG", "-std=c++23", "-march=native", "-fvisibility=hidden")
        self.application.add("part.cpp", "-O1", "-fsanitize=address", "-D_GLIBCXX_ASSERTIONS")
        status, said = self.application.add("main.cpp").run("-fsanitize=address")
        self.assertEqual((status, said), (0, "3 parts, 0 failures\n"))

    def test_what_a_unit_may_not_be_compiled_with_is_said_first(self):
        for flag, sentence in (("-std=c++17", "bab's headers are C\\+\\+20: compile with -std=c\\+\\+20"),
                               ("-DRTE_LIBRTE_MEMPOOL_STATS", "leave that to DPDK's own rte_config.h"),
                               ("-D_GLIBCXX_DEBUG", "changes std::vector, and bab's library was built without")):
            with self.subTest(flag=flag):
                self.assertRegex(self.application.first_error("bab/bab.hpp", flag), sentence)

    def test_set_up_that_fails_without_exceptions_says_why(self):
        status, said = self.application.add("refused.cpp", "-fno-exceptions", "-fno-rtti").run()
        self.assertEqual(status, -signal.SIGABRT, said)
        self.assertIn("bab::Error", said)
        self.assertIn("pool none: 0 buffers asked for; it takes 1 to 4294967294", said)

    def test_the_standard_is_the_applications_choice(self):
        flags = self.library.flags("--cflags")
        self.assertFalse([flag for flag in flags if flag.startswith("-std=")])
        self.application.add("expected.cpp", "-std=c++23")

    def test_bab_pc_asks_for_what_the_library_was_made_for(self):
        wanted = " ".join(self.library.flags("--print-requires"))
        version, = self.library.flags("--modversion")
        self.assertIn("libdpdk >= 22.11", wanted)
        self.assertIn(f"bab-drivers = {version}", wanted)

    def test_headers_of_another_build_are_refused(self):
        other = os.path.join(self.directory, "bab", "detail")
        os.makedirs(other)
        with open(os.path.join(self.library.prefix, "include", "bab", "detail", "build.hpp"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("#define BAB_LIBRARY_CHECKS 0", text)
        with open(os.path.join(other, "build.hpp"), "w", encoding="utf-8") as file:
            file.write(text.replace("#define BAB_LIBRARY_CHECKS 0", "#define BAB_LIBRARY_CHECKS 1"))
        self.application.library.cflags = lambda: [f"-I{self.directory}", *Library.cflags(self.library)]
        self.addCleanup(self.application.library.__dict__.pop, "cflags")
        status, said = self.application.add("refused.cpp").run()
        self.assertEqual(status, -signal.SIGABRT, said)
        self.assertRegex(said, "was compiled with the headers of bab .* with debug checks.* but runs with the library "
                               "of bab .* without debug checks")


if __name__ == "__main__":
    tap.main()
