"""The guest's kernel: Debian's, downloaded with apt-get, unpacked and never installed."""

import glob
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import unittest
import zlib

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
        [self.base] = _modules_folders(self.directory)
        self.release = os.path.basename(self.base)

    def modules(self):
        """The files of MODULES and of what these depend on, relative to the folder of all modules."""
        files = {_module_name(path): path for path in
                 glob.glob(os.path.join(self.base, "kernel/**/*.ko"), recursive=True)}
        found, wanted = {}, [_module_name(name) for name in MODULES]
        while wanted:
            name = wanted.pop()
            if name not in found:
                found[name] = files[name], _dependencies(files[name])
                wanted += found[name][1]
        return {name: (os.path.relpath(path, self.base), path, needs) for name, (path, needs) in found.items()}

    def _make(self, lab):
        draft = f"{self.directory}.{os.getpid()}"
        os.makedirs(draft)
        try:
            _download(draft)
            for archive in glob.glob(os.path.join(draft, "*.deb")):
                _run("dpkg-deb", "-x", archive, draft)
                os.remove(archive)
            [modules] = _modules_folders(draft)
            [image] = glob.glob(os.path.join(draft, "boot/vmlinuz-*")) or glob.glob(os.path.join(modules, "vmlinuz"))
            _extract(image, os.path.join(draft, "vmlinux"))
            _unpack_modules(modules)
            if os.path.isdir(self.directory):
                shutil.rmtree(self.directory)
            os.rename(draft, self.directory)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _modules_folders(directory):
    return [folder for parent in ("lib/modules", "usr/lib/modules")  # before Debian 13, and since then
            for folder in glob.glob(os.path.join(directory, parent, "*"))]


def _download(folder):
    """Once more with new lists, which take no root where they are one's own: a mirror replaces files."""
    lists = os.path.join(folder, "apt")
    own = ("-o", f"Dir::State::Lists={lists}/lists", "-o", f"Dir::Cache={lists}/cache")
    try:
        _run("apt-get", "download", *_packages(), cwd=folder)
    except Unavailable:
        for half in glob.glob(os.path.join(folder, "*.deb")):
            os.remove(half)
        for name in "lists", "cache":
            os.makedirs(os.path.join(lists, name))
        _run("apt-get", *own, "update", cwd=folder)
        _run("apt-get", *own, "download", *_packages(*own), cwd=folder)
    finally:
        shutil.rmtree(lists, ignore_errors=True)


def _packages(*options):
    """The kernel's package, and those in which it and its modules are after Debian 13."""
    images = _depended_on(PACKAGE, r"linux-image-\S+", *options)
    if not images:
        raise Unavailable(f"apt knows no {PACKAGE} (apt-get update)")
    return images[0], *_depended_on(images[0], r"linux-(?:binary|modules)-\S+", *options)


def _depended_on(package, pattern, *options):
    return re.findall(rf"^ *Depends: ({pattern})$", _run("apt-cache", *options, "depends", package).decode(), re.M)


def _extract(image, vmlinux):
    """The ELF file inside of a bzImage, which boots in half the time."""
    with open(image, "rb") as file:
        data = file.read()
    start = (data[0x1F1] + 1) * 512
    offset, length = struct.unpack_from("<II", data, 0x248)
    packed = data[start + offset:start + offset + length]
    # The last 4 bytes are the size of what is in it: of gzip itself, of the others behind them.
    elf = unpacked(packed if packed.startswith(GZIP) else packed[:-4])
    if not elf.startswith(b"\x7fELF"):
        raise Unavailable(f"{os.path.basename(image)} has no kernel in it that lz4, zstd, xz or gzip unpacks")
    if len(elf) != int.from_bytes(packed[-4:], "little"):
        raise Unavailable(f"{os.path.basename(image)} is damaged")
    with open(vmlinux, "wb") as file:
        file.write(elf)


GZIP = b"\x1f\x8b"


def unpacked(data):
    """`data` itself where nothing here packs so."""
    try:
        if data.startswith(b"\x02\x21\x4c\x18"):
            return _through("lz4", data)
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            return _through("zstd", data)
        if data.startswith(b"\xfd7zXZ\0"):
            return lzma.decompress(data)
        if data.startswith(GZIP):
            return gzip.decompress(data)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise Unavailable(f"unpacking the kernel: {error}") from error
    return data


def _through(program, data):
    try:
        return subprocess.run([program, "-d", "-c"], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{program}: {error}") from error


def _unpack_modules(folder):
    """busybox's modprobe may not know how they are packed."""
    for packed in glob.glob(os.path.join(folder, "kernel/**/*.ko.xz"), recursive=True):
        with open(packed, "rb") as file:
            module = unpacked(file.read())
        with open(packed.removesuffix(".xz"), "wb") as file:
            file.write(module)
        os.remove(packed)


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
