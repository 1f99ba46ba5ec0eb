"""testbab at a prompt, under a pseudo-terminal, and fed by scripts."""

import os
import re
import subprocess

import pexpect
import terminals
import testbab

PROMPT = "testbab> "
ENGINE_TIMEOUT = 30


class Prompt:
    """testbab -i on a terminal of its own. Always `close` it."""

    def __init__(self, *app, directory, eal=None, vdevs=(), columns=200):
        terminals.require_one()
        command = testbab.arguments(("-i", *app), eal=eal, vdevs=vdevs)
        self.child = pexpect.spawn(command[0], command[1:], cwd=directory, encoding="utf-8", timeout=ENGINE_TIMEOUT,
                                   dimensions=(50, columns), env={**os.environ, "XDG_RUNTIME_DIR": directory})
        self.child.delaybeforesend = None
        self.child.expect_exact(PROMPT)

    def say(self, line):
        """Enters a line. Gives the output up to the next prompt."""
        self.keys(line + "\r")
        self.child.expect_exact("\r\n")  # after the line, which is echoed
        return self.answer()

    def answer(self):
        self.child.expect_exact(PROMPT)
        return re.sub(r"\x1b\[[0-9]*[A-Za-z]|\r", "", self.child.before)

    def keys(self, keys):
        self.child.send(keys)

    def expect(self, text):
        self.child.expect_exact(text)

    def interrupt(self):
        """Presses Ctrl-C. Gives the output up to the next prompt."""
        self.keys("\x03")
        return self.answer()

    def end(self):
        """Waits for the end. Gives the exit code, or minus the number of the signal that ended it."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus if self.child.signalstatus is None else -self.child.signalstatus

    def hang_up(self):
        """Closes the terminal. Only the process is left."""
        self.child.ptyproc.fileobj.close()
        self.child.ptyproc.closed = self.child.closed = True

    def close(self):
        if self.child.closed:
            return
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:  # it was killed, but didn't end within a tenth of a second
            self.child.wait()


def run_script(text, *app, directory, eal=None, vdevs=(), timeout=testbab.TIMEOUT):
    """testbab -i with `text` on a pipe; gives a CompletedProcess."""
    return subprocess.run(testbab.arguments(("-i", *app), eal=eal, vdevs=vdevs), cwd=directory, input=text,
                          capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=timeout,
                          check=False, env={**os.environ, "XDG_RUNTIME_DIR": directory})
