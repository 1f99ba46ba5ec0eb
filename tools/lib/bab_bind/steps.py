"""The steps of a plan. A step can be done, and can be shown as a command that does the same."""

import collections
import shlex

from .system import Failure


class Write(collections.namedtuple("Write", "path text")):
    """Writes text to a file of the kernel."""
    __slots__ = ()

    def command(self):
        return f"echo {self.text} > {self.path}".replace("echo  >", "echo >")

    def do(self, system):
        system.write(self.path, self.text + "\n")


class Put(collections.namedtuple("Put", "path text")):
    """Writes a file of ours as a whole. Text None removes it."""
    __slots__ = ()

    def command(self):
        if self.text is None:
            return f"rm {self.path}"
        lines = [line for line in self.text.splitlines() if not line.startswith("#")]
        return f"printf '%s\\n' {' '.join(shlex.quote(line) for line in lines)} > {self.path}"

    def do(self, system):
        system.put(self.path, self.text)


class Run(collections.namedtuple("Run", "arguments")):
    """Runs a program."""
    __slots__ = ()

    def command(self):
        return " ".join(shlex.quote(word) for word in self.arguments)

    def do(self, system):
        system.run(self.arguments)


class Expect(collections.namedtuple("Expect", "what read wanted mend")):
    """Checks the result of the steps before, by a function that takes a System."""
    __slots__ = ()

    def command(self):
        return None

    def do(self, system):
        found = self.read(system)
        if found != self.wanted:
            raise Failure(f"{self.what} is {found if found is not None else 'none'} and not"
                          f" {self.wanted if self.wanted is not None else 'none'}; {self.mend}")
