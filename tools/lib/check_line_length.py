#!/usr/bin/python3
"""Checks that no line is longer than .editorconfig says, in characters, and no file longer than LONGEST lines.

    check_line_length.py [ROOT]

Looks at what git knows in ROOT, or would take. Data (DATA) is as long as it is: nobody reads it line by line.
"""

import configparser
import fnmatch
import os
import re
import subprocess
import sys

LONGEST = 500
DATA = ("*.json", "*.pcap", "tests/fuzz/corpus/*")


def limits(text):
    """[(pattern, characters or None)] of .editorconfig; of several patterns that fit a name the last one counts."""
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read_string("[before the sections]\n" + text)
    for section in parser.sections():
        if value := parser[section].get("max_line_length"):
            limit = None if value == "off" else int(value)
            choice = re.search(r"\{(.*)\}", section)
            for each in choice[1].split(",") if choice else [""]:
                yield re.sub(r"\{.*\}", each, section), limit


def faults(path, text, patterns):
    """A sentence for each line that is too long, and one where there are too many lines."""
    fitting = [limit for pattern, limit in patterns if fnmatch.fnmatch(os.path.basename(path), pattern)]
    limit = fitting[-1] if fitting else None
    lines = text.splitlines()
    if limit is not None:
        for number, line in enumerate(lines, 1):
            if len(line) > limit:
                yield f"{path}:{number}: {len(line)} characters, {limit} are allowed"
    if len(lines) > LONGEST:
        yield f"{path}: {len(lines)} lines, {LONGEST} are allowed: split the file"


def files(root):
    """(path, text) of each file that is text."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    for path in subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0"):
        full = os.path.join(root, path)
        if os.path.isfile(full) and not any(fnmatch.fnmatch(path, pattern) for pattern in DATA):
            with open(full, "rb") as file:
                content = file.read()
            if b"\0" not in content:
                yield path, content.decode("utf-8")


def main(root):
    with open(os.path.join(root, ".editorconfig"), encoding="utf-8") as file:
        patterns = list(limits(file.read()))
    texts = list(files(root))
    found = [sentence for path, text in texts for sentence in faults(path, text, patterns)]
    print("\n".join(found) or f"{len(texts)} files, no line and no file too long")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
