"""The machine: files below a root, programs, and open files of processes. Tests use a fake one."""

import errno
import os


class Refusal(Exception):
    """The request is refused: a sentence with its mend."""


class Failure(Exception):
    """A step failed."""


class System:
    def __init__(self, root="/"):
        self.root = root
        self._held = None

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
        """The last part of a symbolic link's target. None: it is no symbolic link."""
        try:
            return os.path.basename(os.readlink(self.path(path)))
        except OSError:
            return None

    def exists(self, path):
        return os.path.exists(self.path(path))

    def write(self, path, text):
        """Writes to a file of the kernel, which must exist."""
        try:
            descriptor = os.open(self.path(path), os.O_WRONLY)
            try:
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Failure(f"writing {text.strip()!r} to {path}: {error.strerror}") from error

    def put(self, path, text):
        """Writes a file of ours, as a whole or not at all. None removes it."""
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

    @staticmethod
    def _folders():
        return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

    def has_program(self, name):
        return any(os.access(os.path.join(folder, name), os.X_OK) for folder in self._folders().split(":") if folder)

    def run(self, arguments):
        """Runs a program with these arguments, without a shell."""
        import subprocess  # here, because the import costs a tenth of a look's time

        environment = {**os.environ, "PATH": self._folders()}
        try:
            done = subprocess.run(arguments, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  errors="replace", check=False)
        except OSError as error:
            raise Failure(f"{arguments[0]}: {os.strerror(error.errno or errno.EIO)}") from error
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
            raise Failure(f"{' '.join(arguments)}: {said}")

    def holder(self, devices):
        """A process that has one of /dev/DEVICES open, as "testbab (1234)". None: no process that this user can see."""
        if self._held is None:
            self._held = self._open_devices()
        for device in sorted(devices):
            if process := self._held.get(f"/dev/{device}"):
                return f"{self.read(f'/proc/{process}/comm') or 'process'} ({process})"
        return None

    def _open_devices(self):
        """The open devices of DPDK's drivers and their processes, by one walk for all NICs."""
        held = {}
        for process in self.list("/proc"):
            if process.isdigit():
                folder = f"/proc/{process}/fd"
                for name in self.list(folder):
                    try:
                        path = os.readlink(self.path(f"{folder}/{name}"))
                    except OSError:
                        continue  # closed meanwhile
                    if path.startswith(("/dev/vfio/", "/dev/uio")):
                        held[path] = process
        return held
