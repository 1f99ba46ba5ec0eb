"""The file that --undo reads: what was changed, and how it was before."""

import fcntl
import json
import os
import re
import time

from . import binding, hugepages
from .steps import Put, Run, Write
from .system import Failure, Refusal

PATH = "/var/lib/bab/bind.json"
_PCI = r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_SECONDS = 60  # the longest wait for another bab-bind


def _read_whole(system, path):
    """The text of our file. None: there is none."""
    try:
        with open(system.path(path), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} can't be read ({error}), so it can't be restored later; move it away") from error


class State:
    """Entries have "what" and "key". The first entry of each pair counts: it says how things were before.

    A boot forgets the entries of the boot before, except for those that it does again ("at_boot")."""

    def __init__(self, system):
        self.system = system
        self.boot = system.read("/proc/sys/kernel/random/boot_id") or ""
        self.entries = []
        text = _read_whole(system, PATH)
        if text is None:
            return
        try:
            kept = json.loads(text)
            self.entries = [entry for entry in kept["entries"]
                            if entry["what"] == "file" or entry.get("at_boot") or kept["boot"] == self.boot]
            for entry in self.entries:
                self._check(entry)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refusal(f"{PATH} isn't what bab-bind wrote ({error}); move it away") from error

    @staticmethod
    def _check(entry):
        """root reads this file: only values that bab-bind itself could have written are restored."""
        allowed = {
            "nic": _PCI,
            "pages": r"/sys/[\w/-]*/hugepages/hugepages-[0-9]+kB/nr_hugepages",
            "file": "|".join([re.escape(f"{binding.DRIVERCTL_FILES}/pci-") + _PCI,
                              *map(re.escape, (hugepages.AT_BOOT_SYSCTL, hugepages.AT_BOOT_GRUB))]),
        }
        if not re.fullmatch(allowed[entry["what"]], entry["key"]):
            raise ValueError(f"{entry['what']} {entry['key']!r}")
        before = entry["before"]
        good = {
            "nic": lambda: all(before[part] is None or re.fullmatch(r"[\w-]+", before[part])
                               for part in ("driver", "override")),
            "pages": lambda: isinstance(before, int) and before >= 0,
            "file": lambda: before is None or isinstance(before, str),
        }[entry["what"]]
        if not good() or entry.get("at_boot") not in (None, False, True):
            raise ValueError(f"{entry['key']} before: {before!r}")

    def lock(self):
        """Two at once take turns. The wait has a limit: a write to the kernel's files may hang for ever."""
        folder = self.system.path(os.path.dirname(PATH))
        try:
            os.makedirs(folder, exist_ok=True)
            file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise Failure(f"making {os.path.dirname(PATH)}, which is for --undo: {error.strerror}") from error
        end = time.monotonic() + _SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError as error:
                if time.monotonic() > end:
                    os.close(file)
                    raise Failure(f"another bab-bind has been at work for {_SECONDS} s; see what it waits for "
                                  f"(ps -C bab-bind -o pid,stat,wchan:30), and end it") from error
            time.sleep(0.05)

    def note(self, what, key, before, at_boot=False):
        for entry in self.entries:
            if (entry["what"], entry["key"]) == (what, key):
                break
        else:
            entry = {"what": what, "key": key, "before": before}
            self.entries.append(entry)
        if at_boot:
            entry["at_boot"] = True

    def note_steps(self, steps, at_boot):
        """To be called before the steps are done, so that half-done steps can be undone."""
        for step in steps:
            if isinstance(step, Put):
                self.note("file", step.path, _read_whole(self.system, step.path))
            elif isinstance(step, Write) and step.path.endswith("/nr_hugepages"):
                self.note("pages", step.path, self.system.number(step.path) or 0, at_boot)
            elif isinstance(step, Run) and step.arguments[:2] == ["driverctl", "set-override"]:
                path = f"{binding.DRIVERCTL_FILES}/pci-{step.arguments[2]}"
                self.note("file", path, _read_whole(self.system, path))

    def note_nic(self, nic, at_boot):
        self.note("nic", nic.address, {"driver": nic.driver, "override": nic.override}, at_boot)

    def note_pages(self, path):
        """The number that each boot sets from now on."""
        self.note("pages", path, self.system.number(path) or 0, True)

    def save(self):
        text = json.dumps({"schema": 1, "boot": self.boot, "entries": self.entries}, indent=2) + "\n"
        self.system.put(PATH, text if self.entries else None)

    def undo_plan(self, nics):
        """For each entry, the last first: the entry and its steps."""
        plans = []
        for entry in reversed(self.entries):
            before = entry["before"]
            if entry["what"] == "nic":
                nic = next((n for n in nics if n.address == entry["key"]), None)
                # A NIC that was taken out has nothing to restore.
                steps = binding.give_back(self.system, nic, before["driver"], before["override"]) if nic else []
            elif entry["what"] == "pages":
                same = self.system.number(entry["key"]) == before
                steps = [] if same else [Write(entry["key"], str(before))]
            else:
                same = _read_whole(self.system, entry["key"]) == before
                steps = [] if same else [Put(entry["key"], before)]
                if steps and "/grub.d/" in entry["key"]:
                    steps.append(Run(["update-grub"]))
            plans.append((entry, steps))
        return plans
