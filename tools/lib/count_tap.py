#!/usr/bin/python3
"""Counts the cases of TAP programs that ran without meson, in the words of count_results.py.

    count_tap.py FILE=STATUS...

FILE is what a program printed, which ended with exit code STATUS. The last line is `N passed, N failed, N skipped`;
exit code 0 only if nothing failed and something passed. A program that ran no case failed, unless it said why.
"""

import os
import re
import sys

from count_results import Case, read_file, report, skip_reason

CASE = re.compile(r"(not )?ok \d+ - (.*?)(?: # SKIP *(.*)| # TODO.*)?")
PLAN = re.compile(r"1\.\.(\d+)(?: # SKIP.*)?")


def collect(name, text, status):
    """The cases of one program. One that stopped short, or ended badly after good cases, is a failure by itself."""
    cases, plans = [], []
    for line in text.splitlines():
        if found := CASE.fullmatch(line):
            bad, case, reason = found.groups()
            expected = bad and " # TODO" in line
            result = "skipped" if reason is not None else "failed" if bad and not expected else "passed"
            cases.append(Case(f"{name}: {case}", result, reason or ""))
        elif found := PLAN.fullmatch(line):
            plans.append((int(found[1]), skip_reason(line)))
    if not cases and not status and len(plans) == 1 and plans[0][0] == 0 and plans[0][1]:
        return [Case(name, "skipped", plans[0][1])]
    told = any(case.result == "failed" for case in cases)
    if not told and status:
        cases.append(Case(name, "failed", f"ended with exit code {status}"))
    elif not told and (not cases or [count for count, _ in plans] != [len(cases)]):
        cases.append(Case(name, "failed", "reported no cases" if not cases else "reported fewer cases than it planned"))
    return cases


def main(arguments):
    programs = []
    for argument in arguments:
        path, _, status = argument.rpartition("=")
        name = os.path.basename(path)
        programs.append((name, collect(name, read_file(path), int(status))))
    return report(programs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
