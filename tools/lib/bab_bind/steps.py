"""What a plan is made of. A step can be shown, as a command that does the same, and done."""

import dataclasses
import shlex

from .system import Failure


@dataclasses.dataclass
class Write:
    """Text to a file of the kernel."""
    path: str
    text: str

    def command(self):
        return f"echo {self.text} > {self.path}".replace("echo  >", "echo >")

    def do(self, system):
        system.write(self.path, self.text + "\n")


@dataclasses.dataclass
class Put:
    """A file of ours, whole; text None removes it."""
    path: str
    text: str | None

    def command(self):
        if self.text is None:
            return f"rm {self.path}"
        lines = [line for line in self.text.splitlines() if not line.startswith("#")]
        return f"printf '%s\\n' {' '.join(shlex.quote(line) for line in lines)} > {self.path}"

    def do(self, system):
        system.put(self.path, self.text)


@dataclasses.dataclass
class Run:
    """A program."""
    arguments: list

    def command(self):
        return " ".join(shlex.quote(word) for word in self.arguments)

    def do(self, system):
        system.run(self.arguments)


@dataclasses.dataclass
class Expect:
    """Reads back what the steps before were for."""
    what: str
    read: object  # takes a System
    wanted: object
    mend: str

    def command(self):
        return None

    def do(self, system):
        found = self.read(system)
        if found != self.wanted:
            raise Failure(f"{self.what} is {found if found is not None else 'none'} and not"
                          f" {self.wanted if self.wanted is not None else 'none'}; {self.mend}")
