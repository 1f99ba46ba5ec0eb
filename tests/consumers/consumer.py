"""Applications outside the tree. They are compiled against an installed bab with their own flags, linked and run."""

import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wsign-conversion", "-Wold-style-cast")
# The manual of g++ says that its warnings about sanitized code may be false.
WARNINGS_OF = {"g++": (*WARNINGS, "-Wuseless-cast"), "clang++": WARNINGS}
TRUTHFUL = ("-Wno-error",)


class Library:
    """An installed bab. `prefix`: the one in bab.pc."""

    def __init__(self, prefix):
        self.prefix = prefix
        # The name of the library folder depends on the distribution: Meson asks dpkg-architecture
        # if it is installed.
        self.libdir, = (folder for folder, _, names in os.walk(prefix) if "libbab.a" in names or "libbab.so" in names)

    @classmethod
    def from_build(cls, build, directory):
        """Installs what `build` has built below `directory`."""
        done = subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--tags", "devel",
                               "--destdir", directory], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"meson install failed:\n{done.stdout}{done.stderr}")
        found = [folder for folder, _, names in os.walk(directory) if "bab.pc" in names]
        with open(os.path.join(found[0], "bab.pc"), encoding="utf-8") as file:
            text = file.read()
        prefix = re.search(r"^prefix=(.*)$", text, re.MULTILINE).group(1)
        moved = directory + prefix
        with open(os.path.join(found[0], "bab.pc"), "w", encoding="utf-8") as file:
            file.write(text.replace(f"prefix={prefix}", f"prefix={moved}"))
        return cls(moved)

    def flags(self, *arguments):
        environment = {**os.environ, "PKG_CONFIG_PATH": os.path.join(self.libdir, "pkgconfig")}
        done = subprocess.run(["pkg-config", "--print-errors", *arguments, "bab"], env=environment, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"pkg-config {' '.join(arguments)} bab: {done.stderr}")
        return done.stdout.split()

    def cflags(self):
        """DPDK's headers as system headers, because they have warnings."""
        return [f"-isystem{flag[2:]}" if flag.startswith("-I") and "dpdk" in flag else flag
                for flag in self.flags("--cflags")]


class Application:
    def __init__(self, library, directory, compiler="g++"):
        self.library, self.directory, self.compiler = library, directory, compiler
        self.objects = []

    def add(self, source, *flags):
        """Compiles one more translation unit. Its flags come after those of bab.pc."""
        made = os.path.join(self.directory, f"{len(self.objects)}.o")
        warnings = [*WARNINGS_OF[self.compiler], "-Werror"]
        if any(flag.startswith("-fsanitize") for flag in flags):
            warnings += TRUTHFUL
        command = [self.compiler, "-std=c++20", *self.library.cflags(), *warnings, *flags, "-c",
                   os.path.join(HERE, source), "-o", made]
        run(command)
        self.objects.append(made)
        return self

    def first_error(self, header, *flags):
        """The compiler's first message about a unit that includes `header`. Empty: there is none."""
        command = [self.compiler, "-std=c++20", *self.library.cflags(), *flags, "-fsyntax-only", "-Wfatal-errors",
                   "-include", header, "-x", "c++", os.devnull]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return next((line for line in done.stderr.splitlines() if "error:" in line), "")

    def link(self, *flags, static_dpdk=False):
        made = os.path.join(self.directory, "application")
        libraries = self.library.flags(*(["--static"] if static_dpdk else []), "--libs")
        run([self.compiler, *self.objects, *flags, *libraries, "-o", made])
        return made

    def run(self, *flags, library=None, arguments=(), **link):
        """Exit status and output of the program. `library`: run it with another one than it was linked with."""
        program = self.link(*flags, **link)
        environment = {"ASAN_OPTIONS": "detect_leaks=0", "TSAN_OPTIONS": "halt_on_error=1",
                       "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", **os.environ,
                       "LD_LIBRARY_PATH": (library or self.library).libdir}
        # Sanitizers need fixed addresses for their tables. A kernel that randomises addresses may
        # have taken these.
        unmoved = ["setarch", os.uname().machine, "-R"] if shutil.which("setarch") else []
        done = subprocess.run([*unmoved, program, *arguments], env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
        return done.returncode, done.stdout


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout[-6000:]}")
