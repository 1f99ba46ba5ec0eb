"""Archives in the format of an initramfs (cpio "newc"), written without root. The kernel unpacks one after another."""

import os
import stat

TRAILER = "TRAILER!!!"


class Archive:
    """Files, folders and links under their names in the guest. Parent folders are added by themselves."""

    def __init__(self, path):
        self.path, self.entries = path, {}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._write()

    def __contains__(self, name):
        return _relative(name) in self.entries

    def folder(self, name, mode=0o755):
        self._add(name, stat.S_IFDIR | mode, b"")

    def link(self, name, target):
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def text(self, name, content, mode=0o644):
        self._add(name, stat.S_IFREG | mode, content.encode())

    def bytes(self, name, content, mode=0o644):
        self._add(name, stat.S_IFREG | mode, content)

    def device(self, name, major, minor):
        self._add(name, stat.S_IFCHR | 0o600, b"", major, minor)

    def file(self, name, source):
        with open(source, "rb") as file:
            self._add(name, stat.S_IFREG | os.stat(source).st_mode & 0o777, file.read())

    def copy(self, name, source):
        """Adds `source`, of any kind: a link stays a link."""
        if os.path.islink(source):
            self.link(name, os.readlink(source))
        elif os.path.isdir(source):
            self.folder(name)
        else:
            self.file(name, source)

    def tree(self, name, source):
        for directory, folders, files in os.walk(source):
            for entry in sorted(folders + files):
                path = os.path.join(directory, entry)
                self.copy(os.path.join(name, os.path.relpath(path, source)), path)

    def _add(self, name, mode, content, major=0, minor=0):
        name = _relative(name)
        above = os.path.dirname(name)
        if above and above not in self.entries:
            self.folder(above)
        self.entries[name] = mode, content, major, minor

    def _write(self):
        draft = f"{self.path}.{os.getpid()}"
        with open(draft, "wb") as file:
            for number, (name, entry) in enumerate(self.entries.items(), 1):
                file.write(_record(number, name, *entry))
            file.write(_record(0, TRAILER, 0, b"", 0, 0))
            file.write(bytes(-file.tell() % 512))
        os.replace(draft, self.path)


def _relative(name):
    return os.path.normpath(name).lstrip("/")


def _record(number, name, mode, content, major, minor):
    label = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(label), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + label
    return b"".join((header, bytes(-len(header) % 4), content, bytes(-len(content) % 4)))
