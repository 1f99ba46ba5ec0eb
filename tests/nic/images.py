"""The kernel and the parts of the initramfs, made where they are missing or old. `images.py` alone says where they are.

    images.py [TREE]   TREE is where `meson install --destdir` put the program
"""

import fcntl
import os
import sys

import initramfs
from kernel import Kernel, Unavailable

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LAB = os.environ.get("BAB_NIC_LAB") or os.path.join(ROOT, "build", "nic-lab")


def make(tree=None, testpmd=False, lab=LAB):
    """(kernel, base[, program][, testpmd]): arguments of a Guest."""
    os.makedirs(lab, exist_ok=True)
    with open(os.path.join(lab, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = Kernel(lab)
        parts = [kernel.vmlinux, initramfs.base(kernel, os.path.join(lab, "base.cpio"))]
        if tree:
            parts.append(initramfs.program(tree, os.path.join(lab, "program.cpio")))
        if testpmd:
            parts.append(initramfs.testpmd(os.path.join(lab, "testpmd.cpio")))
    return tuple(parts)


if __name__ == "__main__":
    try:
        print(*make(*sys.argv[1:2]), sep="\n")
    except Unavailable as why:
        sys.exit(f"no lab: {why}")
