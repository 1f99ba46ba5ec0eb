"""Pseudo-terminals, if there are any."""

import os
import pty
import unittest


def require_one():
    """Skips the test if there can be none, as in a root file system without /dev/pts."""
    try:
        for fd in pty.openpty():
            os.close(fd)
    except OSError as error:
        raise unittest.SkipTest(f"there is no pseudo-terminal here: {error}") from error
