#!/usr/bin/python3
"""Counts test cases, and says which failed and which were skipped and why.

    count_results.py BUILD=STATUS...

BUILD is a meson build directory in which `meson test` ended with exit code STATUS. The cases (of GTest and TAP
programs, else the program itself is one) come from its JUnit file. How a program ended comes from meson's JSON log,
since the JUnit file shows no timeouts and no crashes after the last case. The last line is
`N passed, N failed, N skipped`; exit code 0 only if nothing failed and something passed.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

# meson copies the output of tests. XML allows no control characters, such as those of coloured text.
COLOURS = re.compile("\x1b\\[[0-9;]*[A-Za-z]")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

NO_REASON = {"skipped": "no reason given", "failed": "see its log above"}
GOOD = ("OK", "EXPECTEDFAIL", "SKIP")


class Case:
    def __init__(self, name, result, reason=""):
        self.name, self.result, self.reason = name, result, reason


def read_programs(json_lines):
    """{program name: its entry}, as meson names them: `project:suite / name`."""
    entries = [json.loads(line) for line in json_lines.splitlines() if line.strip()]
    return {entry["name"]: entry for entry in entries}


def read_suites(junit):
    """The <testsuite> elements of meson's JUnit file; none if there is no file."""
    if not junit:
        return []
    return ElementTree.fromstring(CONTROLS.sub("", COLOURS.sub("", junit)).encode()).findall("testsuite")


def owner(case, suite, programs):
    """The program a case came from. meson calls the suites of a GTest `PROJECT.program.Suite`, that of a TAP program
    `PROJECT.program`, and puts all others into one suite `PROJECT`, in which they are the cases."""
    if case.get("name") in programs and "." not in suite:
        return case.get("name")
    rest = suite.partition(".")[2]
    candidates = [name for name in programs if rest == name or rest.startswith(name + ".")]
    return max(candidates, key=len, default=rest or case.get("name"))


def short_name(program):
    return program.partition(" / ")[2] or program


def one_line(text):
    """The text, shortened to one line."""
    words = " ".join((text or "").split())
    return words if len(words) <= 200 else words[:197] + "..."


def without_place(text):
    """Without the `file:line` that gtest puts above a message."""
    return re.sub(r"\A\S+:\d+\n", "", text or "")


def skip_reason(text):
    """The reason of a script's `SKIP: reason`, or of a TAP plan `1..0 # SKIP reason`."""
    found = re.search(r"^SKIP: *(.+)$", text or "", re.M) or re.search(r"# *SKIP\S* *(.+)$", text or "", re.M)
    return found.group(1).strip() if found else ""


def read_case(case, program):
    name = short_name(program)
    if case.get("name") != program:
        gtest = f"{case.get('classname')}." if "status" in case.attrib else ""
        name += f": {gtest}{case.get('name')}"
    for bad in ("failure", "error"):
        if (element := case.find(bad)) is not None:
            return Case(name, "failed", one_line(element.get("message") or element.text))
    if case.get("status") == "notrun":
        return Case(name, "skipped", "disabled in its source")
    if (element := case.find("skipped")) is not None:
        output = case.findtext("system-out")
        reason = one_line(without_place(element.get("message") or element.text)) or skip_reason(output)
        if not reason and case.get("name") != program:
            reason = one_line(output)  # of a TAP case
        return Case(name, "skipped", reason)
    return Case(name, "passed")


def how_it_ended(entry):
    code, result = entry.get("returncode") or 0, entry["result"]
    if result == "UNEXPECTEDPASS":
        return "passed though it should fail"
    if result == "TIMEOUT":
        end = f"timed out after {entry['duration']:.0f} s"
    elif code:
        end = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    else:
        end = "reported fewer cases than it planned, or bailed out"
    last_case = re.findall(r"^\[ RUN +\] (\S+)", entry.get("stdout") or "", re.M)
    return f"{end}, last in {last_case[-1]}" if last_case else end


def judge(entry, cases):
    """A program's cases, corrected by its end: a crash, a timeout or a bad exit may show in no case."""
    name = short_name(entry["name"])
    inner = [case for case in cases if case.name != name]
    if entry["result"] not in GOOD:
        told = any(case.result == "failed" for case in inner)
        return inner if told else [*inner, Case(name, "failed", how_it_ended(entry))]
    # For meson a TAP program that printed nothing is a skipped one.
    silent = entry["result"] == "SKIP" and entry.get("returncode") == 0 and not any(case.reason for case in cases)
    if not cases or (silent and not inner):
        return [Case(name, "failed", "reported no cases")]
    return cases


def collect(json_lines, junit, status):
    """All cases of one build directory."""
    programs = read_programs(json_lines)
    cases = {name: [] for name in programs}
    for suite in read_suites(junit):
        for case in suite.findall("testcase"):
            program = owner(case, suite.get("name", ""), programs)
            cases.setdefault(program, []).append(read_case(case, program))
    for program, entry in programs.items():
        cases[program] = judge(entry, cases[program])
    all_cases = [case for of_program in cases.values() for case in of_program]
    if status and not any(case.result == "failed" for case in all_cases):
        all_cases.append(Case("meson test", "failed", f"ended with exit code {status}"))
    return all_cases


def read_file(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def listing(title, result, builds):
    """One line per case and reason, with the builds it happened in."""
    where = {}
    for build, cases in builds:
        for case in cases:
            if case.result == result:
                where.setdefault((case.name, case.reason or NO_REASON[result]), []).append(build)
    lines = [f"  {name} [{', '.join(in_builds)}]: {reason}" for (name, reason), in_builds in where.items()]
    return [title, *lines] if lines else []


def report(builds):
    """Prints what was skipped and what failed in builds of (name, cases), and the sums; gives the exit code."""
    count = {result: sum(case.result == result for _, cases in builds for case in cases)
             for result in ("passed", "failed", "skipped")}
    for line in listing("Skipped:", "skipped", builds) + listing("Failed:", "failed", builds):
        print(line)
    print(", ".join(f"{number} {result}" for result, number in count.items()))
    return 0 if count["passed"] and not count["failed"] else 1


def main(arguments):
    builds = []
    for argument in arguments:
        path, _, status = argument.rpartition("=")
        log = os.path.join(path, "meson-logs", "testlog")
        cases = collect(read_file(log + ".json"), read_file(log + ".junit.xml"), int(status))
        builds.append((os.path.basename(os.path.normpath(path)), cases))
    return report(builds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
