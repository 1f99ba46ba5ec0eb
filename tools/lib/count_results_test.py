#!/usr/bin/python3
"""count_results.py reads the logs of meson 1.0 right."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count_results  # noqa: E402
import count_tap  # noqa: E402


def program(name, result, returncode=0, **more):
    return json.dumps({"name": name, "result": result, "returncode": returncode, "duration": 1.0, "stdout": "", **more})


def suites(*inner):
    return "<?xml version='1.0' encoding='utf-8'?>\n<testsuites>" + "".join(inner) + "</testsuites>"


def scripts(*cases):
    return '<testsuite name="bab">' + "".join(cases) + "</testsuite>"


GTEST = """<testsuite name="bab.bab:unit / framer.Framer" tests="4">
    <testcase name="Ok" status="run" time="0" classname="Framer" />
    <testcase name="Bad" status="run" time="0" classname="Framer">
      <failure message="../framer_test.cpp:3&#10;Expected equality:&#10;  1&#10;  2" type="">text</failure>
    </testcase>
    <testcase name="Skip" status="run" time="0" classname="Framer">
      <skipped message="../framer_test.cpp:4&#10;no huge pages">../framer_test.cpp:4
no huge pages</skipped>
    </testcase>
    <testcase name="DISABLED_Later" status="notrun" time="0" classname="Framer" />
  </testsuite>"""
GTEST_GOOD = """<testsuite name="bab.bab:unit / framer.Framer" tests="1">
    <testcase name="Ok" status="run" time="0" classname="Framer" />
  </testsuite>"""
TAP = """<testsuite name="bab.bab:smoke / relay" tests="3"><testcase name="1 - a" classname="bab.bab:smoke / relay" />
<testcase name="2 - b" classname="bab.bab:smoke / relay"><failure /></testcase>
<testcase name="3 - c" classname="bab.bab:smoke / relay"><skipped /><system-out>no root</system-out></testcase>
<system-out>1..3</system-out></testsuite>"""
TAP_GOOD = """<testsuite name="bab.bab:smoke / relay" tests="1"><testcase name="1 - a" classname="x" /></testsuite>"""


def outcome(programs, junit, status=0):
    cases = count_results.collect("\n".join(programs), junit, status)
    return [(case.name, case.result, case.reason) for case in cases]


class CountResults(unittest.TestCase):
    def test_gtest_cases_count_one_by_one(self):
        self.assertEqual(outcome([program("bab:unit / framer", "FAIL", 1)], suites(GTEST), 1), [
            ("framer: Framer.Ok", "passed", ""),
            ("framer: Framer.Bad", "failed", "../framer_test.cpp:3 Expected equality: 1 2"),
            ("framer: Framer.Skip", "skipped", "no huge pages"),
            ("framer: Framer.DISABLED_Later", "skipped", "disabled in its source")])

    def test_gtest_whose_name_begins_like_another(self):
        other = GTEST_GOOD.replace("framer.Framer", "framer.fuzz.Framer")
        log = [program("bab:unit / framer", "OK"), program("bab:unit / framer.fuzz", "OK")]
        self.assertEqual(outcome(log, suites(GTEST_GOOD, other)), [
            ("framer: Framer.Ok", "passed", ""), ("framer.fuzz: Framer.Ok", "passed", "")])

    def test_gtest_that_crashed_reports_no_cases_and_is_one_failure(self):
        junit = suites(scripts('<testcase name="bab:unit / framer" classname="bab"><failure /></testcase>'))
        log = [program("bab:unit / framer", "FAIL", -6, stdout="[ RUN      ] B.Ok\n[ RUN      ] B.Die\n")]
        self.assertEqual(outcome(log, junit, 1), [("framer", "failed", "killed by signal 6, last in B.Die")])

    def test_gtest_that_failed_after_its_last_case(self):
        self.assertEqual(outcome([program("bab:unit / framer", "FAIL", 23)], suites(GTEST_GOOD), 1), [
            ("framer: Framer.Ok", "passed", ""), ("framer", "failed", "ended with exit code 23")])

    def test_tap_cases_count_one_by_one(self):
        self.assertEqual(outcome([program("bab:smoke / relay", "FAIL")], suites(TAP), 1), [
            ("relay: 1 - a", "passed", ""), ("relay: 2 - b", "failed", ""), ("relay: 3 - c", "skipped", "no root")])

    def test_tap_program_that_ended_badly_after_good_cases(self):
        self.assertEqual(outcome([program("bab:smoke / relay", "ERROR", 1)], suites(TAP_GOOD), 1), [
            ("relay: 1 - a", "passed", ""), ("relay", "failed", "ended with exit code 1")])

    def test_tap_program_that_stopped_short(self):
        self.assertEqual(outcome([program("bab:smoke / relay", "ERROR")], suites(TAP_GOOD), 1)[1][1], "failed")

    def test_tap_program_that_said_nothing_is_no_skip(self):
        junit = suites(scripts('<testcase name="bab:smoke / relay" classname="bab"><skipped /></testcase>'))
        self.assertEqual(outcome([program("bab:smoke / relay", "SKIP")], junit),
                         [("relay", "failed", "reported no cases")])

    def test_tap_plan_skipped_as_a_whole(self):
        junit = suites(scripts('<testcase name="bab:smoke / relay" classname="bab"><skipped />'
                               '<system-out>1..0 # SKIP no tshark</system-out></testcase>'))
        self.assertEqual(outcome([program("bab:smoke / relay", "SKIP")], junit), [("relay", "skipped", "no tshark")])

    def test_scripts(self):
        junit = suites(scripts('<testcase name="bab:smoke / good" classname="bab" />',
                               '<testcase name="bab:smoke / bad" classname="bab"><failure /></testcase>',
                               '<testcase name="bab:smoke / skip" classname="bab"><skipped />'
                               '<system-out>trying\nSKIP: needs root\n</system-out></testcase>'))
        log = [program("bab:smoke / good", "OK"), program("bab:smoke / bad", "FAIL", 1),
               program("bab:smoke / skip", "SKIP", 77)]
        self.assertEqual(outcome(log, junit, 1), [
            ("good", "passed", ""), ("bad", "failed", "ended with exit code 1"), ("skip", "skipped", "needs root")])

    def test_timeout_looks_passed_in_the_junit_file(self):
        junit = suites(scripts('<testcase name="bab:smoke / slow" classname="bab" />'))
        self.assertEqual(outcome([program("bab:smoke / slow", "TIMEOUT", -15, duration=30.2)], junit, 1),
                         [("slow", "failed", "timed out after 30 s")])

    def test_control_characters_in_the_output(self):
        junit = suites(scripts('<testcase name="bab / colour" classname="bab"><system-out>\x1b[1;31mred\x01'
                               '</system-out></testcase>'))
        self.assertEqual(outcome([program("bab / colour", "OK")], junit), [("colour", "passed", "")])

    def test_meson_itself_failed(self):
        self.assertEqual(outcome([], "", 1), [("meson test", "failed", "ended with exit code 1")])

    def test_no_test_matched(self):
        self.assertEqual(outcome([], ""), [])


class Report(unittest.TestCase):
    def report(self, *builds):
        """(exit code, printed lines) of main() for builds of (name, programs, junit, status)."""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out:
            arguments = []
            for name, programs, junit, status in builds:
                logs = os.path.join(folder, name, "meson-logs")
                os.makedirs(logs)
                for file, text in (("testlog.json", "\n".join(programs)), ("testlog.junit.xml", junit)):
                    with open(os.path.join(logs, file), "w", encoding="utf-8") as log:
                        log.write(text)
                arguments.append(f"{os.path.join(folder, name)}={status}")
            code = count_results.main(arguments)
        return code, out.getvalue().splitlines()

    def test_sums_builds_and_tells_each_skip_and_failure(self):
        bad = ("release", [program("bab:unit / framer", "FAIL", 1)], suites(GTEST), 1)
        self.assertEqual(self.report(bad, ("asan", *bad[1:])), (1, [
            "Skipped:",
            "  framer: Framer.Skip [release, asan]: no huge pages",
            "  framer: Framer.DISABLED_Later [release, asan]: disabled in its source",
            "Failed:",
            "  framer: Framer.Bad [release, asan]: ../framer_test.cpp:3 Expected equality: 1 2",
            "2 passed, 2 failed, 4 skipped"]))

    def test_good(self):
        good = ("release", [program("bab:unit / framer", "OK")], suites(GTEST_GOOD), 0)
        self.assertEqual(self.report(good), (0, ["1 passed, 0 failed, 0 skipped"]))

    def test_nothing_passed_is_not_good(self):
        self.assertEqual(self.report(("release", [], "", 0)), (1, ["0 passed, 0 failed, 0 skipped"]))


class TapWithoutMeson(unittest.TestCase):
    def outcome(self, *lines, status=0):
        return [(case.name, case.result, case.reason) for case in count_tap.collect("full", "\n".join(lines), status)]

    def test_cases_count_one_by_one(self):
        lines = "ok 1 - A.a", "# said", "ok 2 - A.b # SKIP no root", "not ok 3 - A.c", "not ok 4 - A.d # TODO", "1..4"
        self.assertEqual(self.outcome(*lines, status=1), [
            ("full: A.a", "passed", ""), ("full: A.b", "skipped", "no root"), ("full: A.c", "failed", ""),
            ("full: A.d", "passed", "")])

    def test_skipped_as_a_whole(self):
        self.assertEqual(self.outcome("1..0 # SKIP no tap device"), [("full", "skipped", "no tap device")])

    def test_no_case_is_no_success(self):
        for lines in (), ("1..0",):
            self.assertEqual(self.outcome(*lines), [("full", "failed", "reported no cases")])

    def test_ended_badly_after_good_cases(self):
        self.assertEqual(self.outcome("ok 1 - A.a", "1..1", status=3)[1:],
                         [("full", "failed", "ended with exit code 3")])

    def test_stopped_short(self):
        for plan in (), ("1..2",):
            self.assertEqual(self.outcome("ok 1 - A.a", *plan)[1:],
                             [("full", "failed", "reported fewer cases than it planned")])

    def test_skipped_as_a_whole_and_ended_badly(self):
        self.assertEqual(self.outcome("1..0 # SKIP none", status=1), [("full", "failed", "ended with exit code 1")])


if __name__ == "__main__":
    unittest.main()
