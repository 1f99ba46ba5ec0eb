"""The guest's kernel: Debian's, downloaded with apt-get, unpacked and never installed."""

import glob
import os
import re
import shutil
import struct
import subprocess
import unittest

PACKAGE = "linux-image-cloud-amd64"  # a small one: what a virtual machine has, UIO and VFIO
MODULES = ("uio_pci_generic", "vfio-pci", "vfio_iommu_type1", "virtio_net", "vmxnet3")


class Unavailable(Exception):
    """Why there is no lab on this machine."""

    def skip(self):
        """What a test raises: with BAB_NIC=required, as CI has it, a lab that isn't there is a failure."""
        return (AssertionError if os.environ.get("BAB_NIC") == "required" else unittest.SkipTest)(str(self))


class Kernel:
    """Under `lab`; downloaded where it isn't there yet. One that is there is kept, and apt isn't asked."""

    def __init__(self, lab):
        self.directory = os.path.join(lab, "kernel")
        self.vmlinux = os.path.join(self.directory, "vmlinux")
        if not os.path.exists(self.vmlinux):
            self._make(lab)
        self.release = os.path.basename(self._only("lib/modules/*"))

    def modules(self):
        """The files of MODULES and of what these depend on, relative to the folder of all modules."""
        files = {_module_name(path): path for path in
                 glob.glob(os.path.join(self.directory, "lib/modules/*/kernel/**/*.ko"), recursive=True)}
        found, wanted = {}, [_module_name(name) for name in MODULES]
        while wanted:
            name = wanted.pop()
            if name not in found:
                found[name] = files[name], _dependencies(files[name])
                wanted += found[name][1]
        base = os.path.join(self.directory, "lib/modules", self.release)
        return {name: (os.path.relpath(path, base), path, needs) for name, (path, needs) in found.items()}

    def _make(self, lab):
        draft = f"{self.directory}.{os.getpid()}"
        os.makedirs(draft)
        try:
            _download(draft)
            [archive] = glob.glob(os.path.join(draft, "*.deb"))
            _run("dpkg-deb", "-x", archive, draft)
            os.remove(archive)
            [image] = glob.glob(os.path.join(draft, "boot/vmlinuz-*"))
            _extract(image, os.path.join(draft, "vmlinux"))
            if os.path.isdir(self.directory):
                shutil.rmtree(self.directory)
            os.rename(draft, self.directory)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _only(self, pattern):
        [path] = glob.glob(os.path.join(self.directory, pattern))
        return path


def _download(folder):
    """Once more with new lists, which take no root where they are one's own: a mirror replaces files."""
    lists = os.path.join(folder, "apt")
    own = ("-o", f"Dir::State::Lists={lists}/lists", "-o", f"Dir::Cache={lists}/cache")
    try:
        _run("apt-get", "download", _depended_on(PACKAGE), cwd=folder)
    except Unavailable:
        for name in "lists", "cache":
            os.makedirs(os.path.join(lists, name))
        _run("apt-get", *own, "update", cwd=folder)
        _run("apt-get", *own, "download", _depended_on(PACKAGE, *own), cwd=folder)
    finally:
        shutil.rmtree(lists, ignore_errors=True)


def _depended_on(package, *options):
    listing = _run("apt-cache", *options, "depends", package).decode()
    found = re.search(r"Depends: (linux-image-\S+)", listing)
    if not found:
        raise Unavailable(f"apt knows no {package} (apt-get update)")
    return found.group(1)


def _extract(image, vmlinux):
    """The ELF file inside of a bzImage, which boots in half the time."""
    with open(image, "rb") as file:
        data = file.read()
    start = (data[0x1F1] + 1) * 512
    offset, length = struct.unpack_from("<II", data, 0x248)
    payload = data[start + offset:start + offset + length - 4]  # the last 4 bytes are the size of what is in it
    try:
        elf = subprocess.run(["lz4", "-d", "-c"], input=payload, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=False, timeout=60).stdout
    except OSError as error:
        raise Unavailable(f"lz4: {error}") from error
    if not elf.startswith(b"\x7fELF"):
        raise Unavailable(f"{os.path.basename(image)} isn't packed with lz4")
    with open(vmlinux, "wb") as file:
        file.write(elf)


def _dependencies(path):
    with open(path, "rb") as file:
        found = re.search(rb"\0depends=([^\0]*)\0", file.read())
    return [_module_name(name) for name in found.group(1).decode().split(",") if name] if found else []


def _module_name(path):
    return os.path.basename(path).removesuffix(".ko").replace("-", "_")


def _run(*command, cwd=None):
    try:
        run = subprocess.run(command, cwd=cwd, capture_output=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{' '.join(command)}: {error}") from error
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().splitlines() or ["no word"]
        raise Unavailable(f"{' '.join(command)}: {said[-1]}")
    return run.stdout
