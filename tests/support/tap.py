"""Runs unittest cases and reports each as a line of TAP, which meson turns into one JUnit case each.

Why not python3-tap: meson counts a skip's reason from the `# SKIP` directive, and a class that can't be set up must
fail by name. Both are a few lines here. What went wrong goes to standard error: of a TAP program that fails, meson
shows only that.
"""

import signal
import sys
import unittest


class TapResult(unittest.TestResult):
    """Prints `ok N - Class.case`, `not ok N - ...` or `ok N - ... # SKIP reason`; the reasons go to `err`."""

    def __init__(self, out, err):
        super().__init__()
        self.out, self.err = out, err
        self.reported = 0
        self.all_good = True
        self.problems, self.skip_reason, self.expected = [], None, False

    def startTest(self, test):
        super().startTest(test)
        self.problems, self.skip_reason, self.expected = [], None, False

    def stopTest(self, test):
        super().stopTest(test)
        self._report(case_name(test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skip_reason = reason
        self._if_outside_a_case(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.problems.append(self._exc_info_to_string(err, test))
        self._if_outside_a_case(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.problems.append(self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.problems.append(f"{subtest._subDescription()}\n{self._exc_info_to_string(err, test)}")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.expected = True

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.problems.append("passed though it is marked as an expected failure")

    def plan(self):
        self._print(f"1..{self.reported}")

    def _if_outside_a_case(self, test):
        """setUpClass and setUpModule don't call startTest."""
        if not isinstance(test, unittest.TestCase):
            self._report(str(test))
            self.problems, self.skip_reason = [], None

    def _report(self, name):
        self.reported += 1
        line = f"{self.reported} - {name}"
        if self.problems:
            self.all_good = False
            self._print(f"not ok {line}")
            print(f"FAIL: {name}", *self.problems, sep="\n", file=self.err, flush=True)
        elif self.skip_reason is not None:
            reason = " ".join(self.skip_reason.split())
            self._print(f"ok {line} # SKIP {reason}")
            print(f"SKIP: {reason}", file=self.err, flush=True)
        elif self.expected:
            self._print(f"not ok {line} # TODO expected to fail")
        else:
            self._print(f"ok {line}")

    def _print(self, line):
        print(line, file=self.out, flush=True)


def case_name(test):
    """`Relay.payloads_in_order`: short, and `#` would begin a directive."""
    name = getattr(test, "_testMethodName", str(test)).removeprefix("test_")
    return f"{type(test).__name__}.{name}".replace("#", "")


def run(suite, out=sys.stdout, err=sys.stderr):
    """Runs the suite. True: nothing failed. When meson stops it (timeout), the running case still cleans up."""
    result = TapResult(out, err)

    def give_up(number, _frame):
        result.stop()
        result.failfast = True  # no further sub-test, either
        raise SystemExit(f"stopped by {signal.Signals(number).name}")  # the case fails and cleans up

    before = signal.signal(signal.SIGTERM, give_up)
    suite.run(result)
    signal.signal(signal.SIGTERM, before)
    result.plan()
    return result.all_good


def main():
    """Runs the cases of the calling script, or those whose name contains one of its arguments."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    wanted = sys.argv[1:]
    if wanted:
        suite = unittest.TestSuite(case for case in cases(suite) if any(word in case_name(case) for word in wanted))
    sys.exit(0 if run(suite) else 1)


def cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases(item)
        else:
            yield item
