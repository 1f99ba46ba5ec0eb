#!/usr/bin/python3
"""code_block.py FILE.md LANGUAGE N: prints the N-th (from 0) fenced block of that language."""

import re
import sys


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    path, language, index = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        print(blocks(file.read(), language)[int(index)], end="")
