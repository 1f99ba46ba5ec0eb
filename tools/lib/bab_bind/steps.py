"""What a plan is made of. A step can be shown, as a command that does the same, and done."""

import collections
import shlex

from .system import Failure


class Write(collections.namedtuple("Write", "path text")):
    """Text to a file of the kernel."""
    __slots__ = ()

    def command(self):
        return f"echo {self.text} > {self.path}".replace("echo  >", "echo >")

    def do(self, system):
        system.write(self.path, self.text + "\n")


class Put(collections.namedtuple("Put", "path text")):
    """A file of ours, whole; text None removes it."""
    __slots__ = ()

    def command(self):
        if self.text is None:
            return f"rm {self.path}"
        lines = [line for line in self.text.splitlines() if not line.startswith("#")]
        return f"printf '%s\\n' {' '.join(shlex.quote(line) for line in lines)} > {self.path}"

    def do(self, system):
        system.put(self.path, self.text)


class Run(collections.namedtuple("Run", "arguments")):
    """A program."""
    __slots__ = ()

    def command(self):
        return " ".join(shlex.quote(word) for word in self.arguments)

    def do(self, system):
        system.run(self.arguments)


class Expect(collections.namedtuple("Expect", "what read wanted mend")):
    """Reads back, by a function that takes a System, what the steps before were for."""
    __slots__ = ()

    def command(self):
        return None

    def do(self, system):
        found = self.read(system)
        if found != self.wanted:
            raise Failure(f"{self.what} is {found if found is not None else 'none'} and not"
                          f" {self.wanted if self.wanted is not None else 'none'}; {self.mend}")
