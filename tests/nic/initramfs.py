"""The contents of a guest: busybox, kernel modules, DPDK as Debian lays it out (base), and testbab (program)."""

import glob
import os
import re
import subprocess

from cpio import Archive

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
# The PMDs of the lab's NICs, memory ports and pools. No others: each one costs time at EAL's start.
PMDS = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_null", "net_pcap", "net_ring", "net_virtio",
        "net_vmxnet3")
TESTPMD = "/usr/bin/dpdk-testpmd"


def base(kernel, path):
    """Makes the archive anew if it is older than its contents."""
    pmds = _pmd_files()
    if not _older(path, [kernel.vmlinux, "/bin/busybox", *pmds, *glob.glob(os.path.join(HERE, "*.sh"))]):
        return path
    with Archive(path) as archive:
        _userland(archive)
        _modules(archive, kernel)
        for file in pmds:  # the same files that programs link: EAL panics with a second copy of a bus
            _with_links(archive, file)
        _with_libraries(archive, pmds)
    return path


def testpmd(path):
    """testpmd, for comparison. It loads PMDs of NICs that aren't here, so a guest has it only if asked."""
    if _older(path, [TESTPMD]):
        with Archive(path) as archive:
            archive.file(TESTPMD, TESTPMD)
            _with_libraries(archive, [TESTPMD])
    return path


def program(tree, path):
    """An installed tree (DESTDIR of `meson install`), and the libraries that base doesn't have."""
    executables = [file for file in glob.glob(os.path.join(tree, "**/bin/*"), recursive=True) if _is_elf(file)]
    if not executables:
        raise FileNotFoundError(f"{tree} has no program in a folder bin: is it where `meson install` installed to?")
    with Archive(path) as archive:
        archive.tree("/", tree)
        _with_libraries(archive, executables)
    return path


def _userland(archive):
    for name in "bin", "sbin", "lib", "lib64":
        archive.link(name, f"usr/{name}")
    for name in "bin", "sbin", "lib", "lib64":
        archive.folder(f"usr/{name}")
    for name in "proc", "sys", "dev", "run", "tmp", "root", "etc":
        archive.folder(name)
    archive.link("var/run", "/run")
    archive.device("dev/console", 5, 1)
    archive.file("usr/bin/busybox", "/bin/busybox")
    for applet in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            archive.link(f"usr/bin/{applet}", "busybox")
    archive.link("usr/sbin/modprobe", "../bin/busybox")  # the kernel looks for it here
    archive.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
    archive.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    archive.file("init", os.path.join(HERE, "init.sh"))
    archive.file("agent", os.path.join(HERE, "agent.sh"))


def _modules(archive, kernel):
    """Kernel modules, with modprobe's list of their dependencies."""
    folder, lines = f"usr/lib/modules/{kernel.release}", []
    modules = kernel.modules()
    for relative, path, _ in modules.values():
        archive.file(f"{folder}/{relative}", path)
    for name, (relative, _, _) in modules.items():
        lines.append(f"{relative}: {' '.join(modules[needed][0] for needed in _closure(modules, name))}")
    archive.text(f"{folder}/modules.dep", "\n".join(lines) + "\n")


def _closure(modules, name):
    """The modules that must be loaded before `name`, the last one first."""
    needed = []
    for other in modules[name][2]:
        needed += [one for one in (other, *_closure(modules, other)) if one not in needed]
    return needed


def _pmd_files():
    found = []
    for name in PMDS:
        found += glob.glob(f"{LIBRARIES}/dpdk/pmds-*/librte_{name}.so.*.*")
    return found


def _with_links(archive, file):
    """A library, and every link to it in its own folder and in that of all libraries."""
    archive.file(file, file)
    stem = file[:file.index(".so")]
    for folder in os.path.dirname(file), LIBRARIES:
        for link in glob.glob(os.path.join(folder, os.path.basename(stem) + ".so*")):
            if os.path.islink(link):
                archive.link(link, os.readlink(link))


def _with_libraries(archive, files):
    for library in _libraries(files):
        real = os.path.realpath(library)
        if real in archive:
            continue
        if os.path.basename(os.path.dirname(real)).startswith("pmds-"):
            _with_links(archive, real)
        else:
            archive.file(real, real)
            _link_of(archive, library)


def _link_of(archive, library):
    """Adds the name that the loader looks for: the file's own name has a version."""
    real = os.path.realpath(library)
    name = os.path.join(os.path.realpath(os.path.dirname(library)), os.path.basename(library))
    if name != real and name not in archive:
        archive.link(name, os.path.relpath(real, os.path.dirname(name)))


def _libraries(files):
    said = subprocess.run(["ldd", *files], capture_output=True, text=True, check=True).stdout
    if missing := re.findall(r"(\S+) => not found", said):
        raise FileNotFoundError(f"libraries that {', '.join(files)} need: {', '.join(missing)}")
    return sorted(set(re.findall(r"(/\S+) \(0x", said)))


def _is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def _older(path, sources):
    if not os.path.exists(path):
        return True
    made = os.path.getmtime(path)
    return any(os.path.getmtime(source) > made for source in [*sources, *glob.glob(os.path.join(HERE, "*.py"))])
