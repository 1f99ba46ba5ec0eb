"""The machine: files below a root, programs, and what processes have open. Tests have another one."""

import errno
import glob
import os
import shutil
import subprocess


class Refusal(Exception):
    """What was asked for is not done: a sentence with its mend."""


class Failure(Exception):
    """What was begun did not succeed."""


class System:
    def __init__(self, root="/"):
        self.root = root

    def path(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def read(self, path):
        """A file's text without spaces and line ends around it; None: it can't be read."""
        try:
            with open(self.path(path), encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except OSError:
            return None

    def number(self, path, base=10):
        try:
            return int(self.read(path) or "", base)
        except ValueError:
            return None

    def list(self, path):
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError:
            return []

    def link(self, path):
        """The last part of a symbolic link's target; None: it is none."""
        try:
            return os.path.basename(os.readlink(self.path(path)))
        except OSError:
            return None

    def exists(self, path):
        return os.path.exists(self.path(path))

    def write(self, path, text):
        """To a file of the kernel, which is there already."""
        try:
            descriptor = os.open(self.path(path), os.O_WRONLY)
            try:
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Failure(f"writing {text.strip()!r} to {path}: {error.strerror}") from error

    def put(self, path, text):
        """A file of ours: whole or not at all, whatever happens meanwhile. None removes it."""
        there = self.path(path)
        try:
            if text is None:
                if os.path.lexists(there):
                    os.remove(there)
                return
            os.makedirs(os.path.dirname(there), exist_ok=True)
            with open(there + ".new", "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(there + ".new", there)
        except OSError as error:
            raise Failure(f"writing {path}: {error.strerror}") from error

    def has_program(self, name):
        return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin") is not None

    def run(self, arguments):
        """A program, by its arguments: no shell reads them."""
        environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"}
        try:
            done = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  errors="replace", check=False)
        except OSError as error:
            raise Failure(f"{arguments[0]}: {os.strerror(error.errno or errno.EIO)}") from error
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
            raise Failure(f"{' '.join(arguments)}: {said}")

    def holder(self, device):
        """A process that has /dev/DEVICE open, as "testbab (1234)"; None: nobody, as far as may be seen."""
        for link in glob.glob(self.path("/proc/[0-9]*/fd/*")):
            try:
                if os.readlink(link) != f"/dev/{device}":
                    continue
            except OSError:
                continue
            process = link.split("/")[-3]
            return f"{self.read(f'/proc/{process}/comm') or 'process'} ({process})"
        return None
