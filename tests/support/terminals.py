"""Pseudo-terminals, where there are any."""

import os
import pty
import unittest


def require_one():
    """Skips the test where none can be had: in a root file system without /dev/pts."""
    try:
        for fd in pty.openpty():
            os.close(fd)
    except OSError as error:
        raise unittest.SkipTest(f"there is no pseudo-terminal here: {error}") from error
