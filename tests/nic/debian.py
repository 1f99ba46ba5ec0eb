#!/usr/bin/python3
"""A guest's root with Debian's userland, as one has it after installing a server: systemd, udev, apt. No DPDK driver is
installed; apt finds those in a folder of the root, since the guest has no network.

    debian.py [TREE]   makes what is missing and says where it is
"""

import fcntl
import glob
import hashlib
import os
import re
import subprocess
import sys
import tarfile

import images
from cpio import Archive
from guest import Guest
from kernel import Kernel, Unavailable

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = ("systemd-sysv", "udev", "kmod", "apt", "iproute2", "pciutils", "procps", "python3", "login", "driverctl",
          "dpdk")
# What testbab is linked with; a package of it would depend on these, whatever this release calls them.
LINKED = ("libfmt.so.*", "libncurses.so.6", "libpcap.so.0.8", "librte_net_ring.so.*", "librte_pcapng.so.*",
          "librte_cmdline.so.*")
LOADED = ("librte-meta-bus", "librte-meta-mempool")
IN_THE_FOLDER = ("librte-meta-net", )  # what the doctor asks for
FOLDER = "/srv/packages"
MASKED = ("serial-getty@ttyS0.service", "getty@tty1.service", "systemd-timesyncd.service", "apt-daily.timer",
          "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
          "systemd-networkd-wait-online.service")
AGENT = """\
[Service]
ExecStart=/bin/sh /agent /dev/ttyS1
Restart=always
"""


def make(tree=None):
    """(kernel, root[, program]): what a Guest takes."""
    os.makedirs(images.LAB, exist_ok=True)
    with open(os.path.join(images.LAB, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = Kernel(images.LAB)
        parts = [kernel.vmlinux, _root(kernel, images.LAB)]
        if tree:
            parts.append(_program(tree, os.path.join(images.LAB, "debian-program.cpio")))
    return tuple(parts)


class BareBox(Guest):
    """As it was delivered: NICs have the kernel's drivers. `iommu`: the machine has one, and it is on."""

    def __init__(self, name, images_, nic, plugs, *, iommu=True, **options):
        super().__init__(name, images_, nic, plugs, driver="vfio-pci" if iommu else None, memory=3000,
                         boot_seconds=240, **options)

    def bind(self, driver, numbers=None):
        """That is what is tried here."""


def _root(kernel, lab):
    """Kept until something else is wanted: what is in it is the Debian release of this machine, as testbab is."""
    release = _release()
    modules = os.path.dirname(kernel.base)
    fetch = " ".join(("apt-get", "-o", "Dir::Cache::archives=" + FOLDER, "install", "--download-only", "--yes",
                      "--no-install-recommends", *IN_THE_FOLDER))
    packages = ",".join((*SYSTEM, *LOADED, *map(_package_of, LINKED)))
    command = [
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}",
        "--aptopt=APT::Install-Recommends false", "--aptopt=Acquire::Check-Valid-Until false",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", f"--customize-hook=copy-in {modules} /usr/lib",
        f"--customize-hook=chroot \"$1\" depmod {kernel.release}",
        f"--customize-hook=mkdir -p \"$1\"{FOLDER}/partial && chroot \"$1\" {fetch}",
        f"--customize-hook={sys.executable} {os.path.abspath(__file__)} --folder \"$1\"", release
    ]
    wanted = hashlib.sha256(repr((command, MASKED, AGENT)).encode()).hexdigest()[:12]
    path = os.path.join(lab, f"debian-{release}-{wanted}.cpio")
    if os.path.exists(path):
        return path
    for old in glob.glob(os.path.join(lab, f"debian-{release}*.cpio")):
        os.remove(old)
    archive = f"{path}.tar"
    try:
        _bootstrap([*command, archive, _mirror()])
        _convert(archive, path)
    finally:
        if os.path.exists(archive):
            os.remove(archive)
    return path


def _release():
    """A suite of the mirror's."""
    with open("/etc/debian_version", encoding="utf-8") as file:
        if file.read().strip().endswith("/sid"):
            return "sid"
    with open("/etc/os-release", encoding="utf-8") as file:
        named = [line.strip().partition("=")[2] for line in file if line.startswith("VERSION_CODENAME=")]
    if not named:
        raise Unavailable("/etc/os-release names no Debian release")
    return named[0]


def _package_of(library):
    """That has it on this machine."""
    found = subprocess.run(["dpkg-query", "--search", f"*/{library}"], capture_output=True, text=True,
                           check=False).stdout
    if not found:
        raise Unavailable(f"no installed package has {library}")
    return found.partition(":")[0]


def abi():
    """The number that DPDK's libraries and packages go by."""
    [number] = {found.group(1) for found in map(re.compile(r"\.so\.(\d+)$").search,
                                                glob.glob("/usr/lib/*/librte_eal.so.*")) if found}
    return number


def _bootstrap(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"mmdebstrap: {error}") from error
    if done.returncode:
        raise Unavailable(f"mmdebstrap: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")


def _mirror():
    """Debian's, as this machine's apt has it."""
    if named := os.environ.get("BAB_DEBIAN_MIRROR"):
        return named
    said = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                           "Origin: Debian", "Label: Debian"], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        if line.startswith("mirror+file:"):  # a list of mirrors, of which the first will do
            with open(line.removeprefix("mirror+file:"), encoding="utf-8") as file:
                line = next((word for word in file.read().split() if word.startswith("http")), "")
        if line.startswith("http"):
            return line
    raise Unavailable("apt knows no Debian mirror on this machine (apt-get update, or BAB_DEBIAN_MIRROR)")


def _convert(tar, path):
    with tarfile.open(tar) as source, Archive(path) as archive:
        linked = {}
        for member in source:
            name = member.name.removeprefix("./")
            if not name or name.startswith(("dev/", "var/cache/apt/", "usr/share/doc/")):
                continue
            if member.isdir():
                archive.folder(name, member.mode)
            elif member.issym():
                archive.link(name, member.linkname)
            elif member.isfile() or member.islnk():
                content = (linked[member.linkname.removeprefix("./")] if member.islnk() else
                           source.extractfile(member).read())
                linked[name] = content
                archive.bytes(name, content, member.mode)
        for name in ("proc", "sys", "dev", "run"):
            archive.folder(name)
        archive.device("dev/console", 5, 1)
        archive.link("init", "usr/lib/systemd/systemd")
        archive.file("agent", os.path.join(HERE, "agent.sh"))
        archive.text("etc/systemd/system/agent.service", AGENT)
        archive.link("etc/systemd/system/multi-user.target.wants/agent.service", "../agent.service")
        archive.link("etc/systemd/system/default.target", "/lib/systemd/system/multi-user.target")
        for unit in MASKED:
            archive.link(f"etc/systemd/system/{unit}", "/dev/null")
        archive.text("etc/hostname", "bare-box\n")
        archive.text("etc/apt/apt.conf.d/90guest", 'APT::Get::Assume-Yes "true";\n')
        archive.text("etc/apt/sources.list", f"deb [trusted=yes] file:{FOLDER} ./\n")


def _program(tree, path):
    with Archive(path) as archive:
        archive.tree("/", tree)
    return path


def index(root):
    """The list of a folder's packages, which apt wants beside them."""
    folder = root + FOLDER
    with open(os.path.join(folder, "Packages"), "w", encoding="utf-8") as listing:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".deb"):
                file = os.path.join(folder, name)
                with open(file, "rb") as package:
                    digest = hashlib.sha256(package.read()).hexdigest()
                control = subprocess.run(["dpkg-deb", "-f", file], capture_output=True, text=True, check=True).stdout
                listing.write(f"{control.strip()}\nFilename: ./{name}\nSize: {os.path.getsize(file)}\n"
                              f"SHA256: {digest}\n\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--folder"]:
        index(sys.argv[2])
        sys.exit(0)
    try:
        print(*make(*sys.argv[1:2]), sep="\n")
    except Unavailable as why:
        sys.exit(str(why))
