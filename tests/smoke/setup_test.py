#!/usr/bin/python3
"""Every wrong argument and set-up: exit code 2, and one sentence with the fault, its reason and its mend."""

import os
import re
import shutil
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import hugepages
import pcapfile
import tap
import testbab
from memif import is_listened_at, wait_until
from smoke_case import SmokeCase
from testbab import PLAIN_EAL

CPUS = sorted(os.sched_getaffinity(0))
NO_CPU = os.cpu_count() + 5
SMALL_EAL = *PLAIN_EAL[:-1], "64"
NOT_NOBODY = testbab.obstacle_for("nobody")
NO_HUGEPAGES = hugepages.obstacle()
SEE_HELP = "testbab --help"
SIDE_BY_SIDE = 3


class Option(NamedTuple):
    wrong: tuple  # values
    why: str      # a regular expression that the sentence has for each of them


def number(lowest, highest, *more):
    below = () if lowest == 0 else (lowest - 1,)
    return Option((*below, highest + 1, -1, "abc", "1x", "0x10", "1.5", "+1", " 1", "", *more),
                  f"is not a whole number from {lowest} to {highest}")


CHECKSUM = Option(("maybe", "HW", "auto,hw", "1", ""), r"is none of .*\bsw\b")
OPTIONS = {
    "--forward-mode": Option(("macswap", "LOOP", "loop,relay", "1", ""), "is no engine; there are loop, txonly"),
    "--nb-cores": number(1, 127),
    "--count": number(0, 2 ** 64 - 1),
    "--duration": Option(("abc", "1x", "-1", "nan", "inf", "1e10", ""), "is not a number of seconds"),
    "--writers": number(1, 1024),
    "--writer-kind": Option(("own", "SHARED", "shared,local", ""), r"is none of .*\bshared\b"),
    "--payload": Option(("none", "ALL", "8", ""), r"is none of .*\bnumber\b"),
    "--idle": Option(("sleep", "SPIN", "1", ""), r"is none of .*\bspin\b"),
    "--idle-exit-ms": number(0, 86400000),
    "--rxq": number(1, 1024),
    "--txq": number(1, 1024),
    "--rxd": number(0, 32768),
    "--txd": number(0, 32768),
    "--burst": number(1, 512),
    "--mbcache": number(0, 512),
    "--mbuf-size": number(256, 65535),
    "--total-num-mbufs": number(2, 100000000),
    "--mtu": number(68, 65385, "1500,", ",1500", "1500,x", "1500,67"),
    "--max-pkt-len": number(90, 65407),
    "--tx-checksum": CHECKSUM,
    "--rx-checksum": CHECKSUM,
    "--tx-vlan": CHECKSUM,
    "--promisc": Option(("maybe", "ON", "on,off", "1", ""), "is none of off, on"),
    "--eth-peer": Option(("0", "0,", ",", "", "0,02:00:00", "0,02:00:00:00:00:0g", "0,02:00:00:00:00:01:02",
                          "x,02:00:00:00:00:01", "32,02:00:00:00:00:01", "-1,02:00:00:00:00:01"),
                         "is not (of the form PORT,MAC|a MAC address|a whole number)"),
    "--tx-ip": Option(("10.0.0.1", "10.0.0.1,", ",", "", "10.0.0.1,10.0.0", "10.0.0.1,256.0.0.1", "::1,::2",
                       "1.2.3.4,5.6.7.8,9.9.9.9"), "is not (of the form SRC,DST|an IPv4 address)"),
    "--tx-udp": Option(("9", "9,", ",", "", "9,65536", "-1,9", "9,x", "9,9,9"),
                       "is not (of the form SRC,DST|a whole number)"),
    "--msg-size": Option(("abc", "", "-", "20-", "-20", "65536", "1-65536", "40-20", "1-2-3", "1,", ",1", "1,2-3",
                          "1,65536"), "is (not a whole number from 0 to 65535|larger than)"),
    "--msg-mix": Option(("", "64", "64:", ":1", "64:0", "64:1,", "64:1,x:1", "65536:1", "64:65536", "64:1:1", "64-65:1",
                         "1:65535,2:2,3:1"), "is not (of the form SIZE:WEIGHT|a whole number)|add up to"),
    "--rate": Option(("", "abc", "-1", "+1", " 1", "1 k", "1kk", "5m", "5K", "0.5", "1.0005k", "1e3", "0x10", "inf",
                      "nan", "1000000001", "2G"), "is not a whole number from 0 to 1G of messages per second"),
    "--ping-timeout-ms": number(1, 60000),
    "--session": Option(("ELEVENCHARS", "Börse", "tab\there", ""), "is not 1 to 10 printable ASCII characters"),
    "--vlan": number(0, 4094),
    "--max-delay-us": number(0, 60000000),
    "--flush-messages": number(0, 65534),
    "--rx-udp-port": number(0, 65535),
    "--stats-period": number(0, 86400),
    "--capture": Option(("", ), "it takes a file's path"),
    "--capture-share": number(1, 100),
    "--replay": Option(("", ), "it takes a file's path"),
    "--speed": Option(("fast", "-1", "0", "nan", "inf", "1x", "1e9", ""), "is neither max nor a number from"),
    "--repeat": number(0, 2 ** 64 - 1),
    "--json": Option(("", ), "a file's path"),
    "--cmdline-file": Option(("", ), "a file's path"),
}
FLAGS = ("--help", "--version", "--auto-start", "--doctor", "--top", "--interactive", "--keep-going", "--strict",
         "--man", "--bash-completion", "--keep-duplicates", "--enable-hw-vlan-strip")


class Refused(SmokeCase):
    """Refusals side by side: what each says is judged by the case's thread."""

    def refuse(self, *cases):
        """Each case: (words that the sentence must have, command line[, user])."""
        def run(case):
            command = [testbab.PROGRAM, *map(str, case[1])]
            user = testbab.as_user(case[2]) if len(case) > 2 else {}
            # Standard files only: what goes there at any time, from any process, is seen.
            return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=self.directory,
                                  env={**os.environ, "XDG_RUNTIME_DIR": self.directory}, stdin=subprocess.DEVNULL,
                                  **user)

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for case, ended in zip(cases, pool.map(run, cases)):
                with self.subTest(command=" ".join(map(str, case[1]))):
                    self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended.stderr)
                    self.assert_one_sentence(ended.stderr)
                    for word in case[0]:
                        self.assertRegex(ended.stderr, word)

    def assert_one_sentence(self, text):
        """The sentences say what was tried, why it can't be done, and what mends it."""
        self.assertRegex(text, r"\Atestbab: [^\n]+[^\n.]\n\Z")
        self.assertIn("; ", text)


class Arguments(Refused):
    def help_texts(self):
        """For each option one line of --help: its name and text, in any layout of CLI11."""
        run = self.run_testbab("--help", eal=None, report=None)
        options = re.split(r"^OPTIONS:|^Options:", run.stdout, flags=re.M)[1]
        return [" ".join(text.split())
                for text in re.split(r"^ {2,12}(?=(?:-\w, *)?--[a-z])", options, flags=re.M)[1:]]

    def test_every_option_is_here(self):
        listed = [re.match(r"(?:-\w, ?)?(--[a-z-]+)", text)[1] for text in self.help_texts()]
        self.assertGreater(len(listed), 20)
        self.assertEqual(sorted(listed), sorted([*OPTIONS, *FLAGS]))

    def test_wrong_values(self):
        """An empty value without = belongs to the option, too."""
        self.refuse(*(((re.escape(name), option.why, SEE_HELP),
                       (name, "") if value == "" else (f"{name}={value}",))
                      for name, option in OPTIONS.items() for value in option.wrong))

    def test_ranges_are_those_of_the_help(self):
        found = re.findall(r"^(--[a-z-]+) N .*\[(\d+)-(\d+)\]$", "\n".join(self.help_texts()), re.M)
        self.assertGreater(len(found), 10)
        for name, lowest, highest in found:
            with self.subTest(name):
                self.assertEqual(OPTIONS[name].why, f"is not a whole number from {lowest} to {highest}")

    def test_no_value(self):
        self.refuse(*(((f"{name}: a value is missing", SEE_HELP), (f"{name}{equals}",))
                      for name in OPTIONS for equals in ("", "=")),
                    (("--eth-peer: a value is missing", ), ("--eth-peer=0,02:00:00:00:00:01", "--eth-peer")))

    def test_given_twice(self):
        good = {"--forward-mode": "loop", "--tx-checksum": "sw", "--rx-checksum": "sw", "--tx-ip": "1.2.3.4,1.2.3.5",
                "--tx-udp": "1,2", "--json": "-", "--msg-mix": "64:1"}
        self.refuse(*(((f"{name}: it is given more than once; give it once", ),
                       (f"{name}={good.get(name, 512)}",) * 2) for name in OPTIONS if name != "--eth-peer"))

    def test_flags_with_a_value(self):
        self.refuse(*(((f"{flag}: it takes no value", SEE_HELP), (f"{flag}={value}",))
                      for flag in FLAGS for value in ("5", "false")),
                    (("--auto-start: it takes no value", ), ("--auto-start=1", "--auto-start")))

    def test_no_such_option(self):
        self.refuse(*(((re.escape(word), SEE_HELP), line) for word, line in (
            ("--no-such-option", ["--no-such-option"]), ("--forward", ["--forward", "--count=1"]),
            ("word", ["word"]), ("word", ["--count=1", "word"]), ("-z", ["-z"]), ("--", ["--", "--", "--count=1"]),
            ("--no-such-option", [*SMALL_EAL, "--", "--no-such-option"]))))

    def test_eal_arguments_without_the_separator(self):
        self.refuse(*(((re.escape(line[0]), "in front of a --"), line) for line in (
            ["--no-huge", "--count=1"], ["-l", "0-1"], ["--vdev=net_null0", "--forward-mode=txonly"], PLAIN_EAL)))

    def test_contradictions(self):
        self.refuse(
            (("--mtu=1500", "--max-pkt-len=9022", "1522"), ("--mtu=1500", "--max-pkt-len=9022")),
            (("--mtu=9000", "--max-pkt-len=9000", "9022"), ("--mtu=9000", "--max-pkt-len=9000")),
            (("--msg-size=1451", r"\b1450\b", "raise --mtu or lower"), ("--mtu=1500", "--msg-size=1451")),
            (("--msg-size=8951", r"\b8950\b", "raise --mtu or lower"), ("--msg-size=1-8951",)),
            (("--msg-size=32", r"\b18\b", "raise --mtu or lower"), ("--mtu=68",)),
            (("--msg-size and --msg-mix", "give one"), ("--msg-size=32", "--msg-mix=32:1")),
            (("--msg-size=8951", r"\b8950\b"), ("--msg-mix=32:9,8951:1",)),
            (("--rate=1000", "relay", "leave it out"), ("--rate=1k", "--forward-mode=relay")),
            (("--rate=0", "ping", "give one or leave it out"), ("--forward-mode=ping", "--rate=0")),
            (("--msg-size=15", "ping", r"\b16\b"), ("--forward-mode=ping", "--msg-size=15-40")),
            (("--msg-size=8951", r"\b8950\b"), ("--forward-mode=ping", "--msg-size=8951")),
            (("uses at most 2 ports", "brought 3", "name fewer"),
             (*SMALL_EAL, *(f"--vdev=net_null{i}" for i in range(3)), "--", "--forward-mode=ping")),
            (("--rate=0", "rxonly", "leave it out"), ("--forward-mode=rxonly", "--rate=0")),
            (("--mbuf-size=2176", "9000", "9150", "raise --mbuf-size or lower --mtu"), ("--mbuf-size=2176",)),
            (("--mbuf-size=9149", "9000", "9150"), ("--mbuf-size=9149",)),
            (("--mbuf-size=1000", "1500", "1650"),
             (*SMALL_EAL, "--vdev=net_null0", "--", "--forward-mode=txonly", "--mbuf-size=1000")),
            (("--nb-cores=3", "2 worker lcores", "-l or --lcores"), ("--nb-cores=3",)),
            (("--nb-cores=2", "1 worker lcores", "-l or --lcores"),
             (*SMALL_EAL, "--lcores", f"0@{CPUS[0]},1@{CPUS[0]}", "--", "--nb-cores=2")),
            (("no worker lcore", "give two or more, as in -"), (*SMALL_EAL, "-l", CPUS[0], "--")),
            (("--eth-peer=7", "no port 7", "the ports are 0"), ("--eth-peer=7,02:00:00:00:00:01",)),
            (("17 queues", "16", r"ask for fewer \(--rxq, --txq\)"), ("--txq=17",)),
            (("17 queues", "16", r"ask for fewer \(--rxq, --txq\)"), ("--rxq=17",)),
            (("2 RX and 1 TX queues", "it has 1 and 1", r"ask for fewer \(--rxq, --txq\)"),
             (*SMALL_EAL, self.null_pcap(), "--", "--forward-mode=relay", "--rxq=2")),
            (("uses at most 2 ports", "brought 3", "name fewer"),
             (*SMALL_EAL, *(f"--vdev=net_null{i}" for i in range(3)), "--", "--forward-mode=relay")))

    def null_pcap(self):
        pcapfile.write(self.path("in.pcap"), [])
        return f"--vdev=net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}"

    def test_reports_that_cannot_be_written(self):
        os.mkdir(self.path("directory"))
        self.refuse(*(((re.escape(f"--json={path}"), why, "choose another file"), (f"--json={path}", "--count=1"))
                      for path, why in ((self.path("no/such/directory.json"), "No such file"),
                                        (self.path("directory"), "Is a directory"))))

    @unittest.skipIf(NOT_NOBODY, NOT_NOBODY)
    def test_no_permission_to_write_a_report(self):
        path = self.path("report.json")
        with open(path, "w", encoding="utf-8"):
            pass
        os.chmod(path, 0o444)
        self.refuse(((re.escape(path), "Permission denied", "another file"), (f"--json={path}", "--count=1"), "nobody"))


class Eal(Refused):
    """EAL's arguments: its messages are turned into a sentence."""

    def refuse_eal(self, *cases):
        self.refuse(*((("starting EAL: ", *words), (*SMALL_EAL, *line, "--", "--count=1")) for words, line in cases))

    def test_options(self):
        options = r"-h lists EAL's options \(testbab -h --\)$"
        self.refuse_eal(
            (("no-such-eal-option", options), ["--no-such-eal-option"]),
            (("-Z|'Z'", options), ["-Z"]),
            (("'--vdev' requires an argument", options), ["--vdev"]),
            (("number of memory channels", "from 1"), ["-n", "0"]),
            (("--iova-mode=foo", "pa or va"), ["--iova-mode=foo"]),
            (("--socket-mem=abc", "MiB of each NUMA node"), ["--socket-mem=abc"]),
            (("--vfio-intr=x", "legacy, msi or msix"), ["--vfio-intr=x"]),
            (("process type", "primary, secondary or auto"), ["--proc-type=foo"]),
            (("\"word\"", "behind --"), ["word"]),
            (("/no/such.so", "-d"), ["-d", "/no/such.so"]),
            (("/etc/passwd", "-d"), ["-d", "/etc/passwd"]),
            (("world-writable", "chmod o-w"), ["-d", self.open_to_all("librte_x.so")]))
        self.refuse((("starting EAL: ", "memseg list", "-m"), (*SMALL_EAL[:-1], "99999999", "--", "--count=1")))

    def test_what_eal_takes_since_25_11(self):
        first, last = CPUS[0], CPUS[-1]
        cases = [(("--in-memory", "leave --in-memory out"), ["--in-memory"])]
        if first < last:
            cases.append(((f"no core in -l {last}-{first}", f"ranges go upwards: -l {first}-{last}"),
                          ["-l", f"{last}-{first}"]))
        if testbab.dpdk() < (25, 11):
            self.refuse_eal(*cases)
            return
        for _, line in cases:
            with self.subTest(line):
                self.assert_good(self.run_testbab("--count=1", eal=(*SMALL_EAL, *line)))

    def open_to_all(self, name):
        os.chmod(self.directory, 0o777)
        with open(self.path(name), "wb"):
            return self.path(name)

    def test_lcores(self):
        absent = f"CPU {NO_CPU} doesn't exist"
        self.refuse_eal(
            ((absent, "choose from .*, as in -"), ["-l", f"{CPUS[0]},{NO_CPU}"]),
            ((absent, "choose from .*, as in -"), ["--lcores", f"0@{CPUS[0]},1@{NO_CPU}"]),
            (("core list", "numbers and ranges"), ["-l", "abc"]),
            (("core list", "numbers and ranges"), ["-l", ""]),
            (("coremask", "hexadecimal"), ["-c", "0x0"]),
            (("coremask", "hexadecimal"), ["-c", "zz"]),
            (("--lcores", "lcores@CPUs"), ["--lcores", "(0-1"]),
            (("[Mm]ain lcore", "--main-lcore"), ["--main-lcore", "7"]))

    def test_secondary_process(self):
        """EAL by itself would wait for the primary process for ever."""
        self.refuse(*((("--proc-type=secondary", "leave it out"), (*SMALL_EAL, *line, "--")) for line in (
            ["--proc-type=secondary"], ["--proc-type", "secondary"])))

    def test_with_its_text(self):
        """--log-level also shows EAL's own text. The sentence comes, too."""
        for line in (["--log-level=8", "--vdev=net_nonesuch0"],
                     ["--vdev=net_nonesuch0", "--log-level", "lib.eal:debug"]):
            run = self.run_testbab(eal=(*SMALL_EAL, *line), report=None, timeout=20)
            self.assertEqual(run.status, 2, run)
            self.assertRegex(run.stderr, r"(?m)^EAL: failed to parse device")
            self.assertRegex(run.stderr, r"(?m)^testbab: starting EAL: .*log above")
        self.refuse_eal(((f"CPU {NO_CPU} doesn't exist", "choose from"), ["--log-level=8", "-l", NO_CPU]))
        run = self.run_testbab("--count=1", eal=(*SMALL_EAL, "--log-level=8"), timeout=20, report=None)
        self.assertEqual(run.status, 0, run)
        self.assertRegex(run.stderr, r"(?m)^EAL: ")

    def test_one_cpu(self):
        """This is enough for the embedded default."""
        command = ["taskset", "-c", str(CPUS[-1]), testbab.PROGRAM, "--count=1000"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended)


class Devices(Refused):
    def refuse_vdev(self, *cases, engine="rxonly"):
        self.refuse(*(((re.escape(f"--vdev={vdev}"), *words, "driver's arguments|ip link"),
                       (*SMALL_EAL, f"--vdev={vdev}", "--", f"--forward-mode={engine}", "--idle-exit-ms=100"))
                      for words, vdev in cases))

    def test_no_port(self):
        self.refuse(*(((engine, "--vdev", "-a"), (*eal, f"--forward-mode={engine}"))
                      for engine in ("txonly", "rxonly", "relay", "echo", "null") for eal in ((), (*SMALL_EAL, "--"))))

    def test_unknown(self):
        self.refuse(*((("net_nonesuch0", "spelling", "librte-meta-net"),
                       (*SMALL_EAL, *line, "--", "--forward-mode=rxonly"))
                      for line in (["--vdev=net_nonesuch0"], ["--vdev", "net_nonesuch0"], ["-a", "net_nonesuch0"],
                                   ["--vdev=net_null0", "--vdev=net_nonesuch0"])))

    def test_captures(self):
        missing, here = self.path("missing.pcap"), self.path("here")
        with open(here, "w", encoding="utf-8") as file:
            file.write("no capture at all, by no means")
        self.refuse_vdev(((missing, "No such file"), f"net_pcap0,rx_pcap={missing}"),
                         ((here, "unknown file format"), f"net_pcap0,rx_pcap={here}"),
                         (("Couldn't open",), "net_pcap0,rx_pcap="),
                         (("no/such/out.pcap",), f"net_pcap0,tx_pcap={self.path('no/such/out.pcap')}"),
                         (("No rx or tx queues",), "net_pcap0"))

    def test_interfaces(self):
        self.refuse_vdev((("no interface nosuchif", "ip link"), "net_pcap0,iface=nosuchif"))

    @unittest.skipIf(os.geteuid(), "only root can open packet sockets and make tap interfaces")
    def test_interfaces_of_the_kernel(self):
        self.refuse_vdev((("net_af_packet0",), "net_af_packet0"),
                         (("no interface nosuchif", "ip link"), "net_af_packet0,iface=nosuchif"),
                         (("interface name",), "net_tap0,iface=a-name-longer-than-the-kernel-takes"))

    def test_drivers_arguments(self):
        self.refuse_vdev((("failed to initialize net_null0",), "net_null0,nonsense=1"),
                         (("Unknown role: foo",), "net_memif0,role=foo"),
                         (("Invalid socket directory",), "net_memif0,role=server,socket-abstract=no,socket=/no/such/x"))

    def test_memif(self):
        self.refuse((("net_memif", "role=server first"),
                     (*SMALL_EAL, f"--vdev=net_memif0,role=client,socket={self.path('x')},socket-abstract=no", "--",
                      "--forward-mode=txonly")),
                    (("1518", r"hold 512", "bsize=9216"),
                     (*SMALL_EAL, "--vdev=net_memif0,role=client,bsize=512", "--", "--forward-mode=txonly")))

    def test_memif_socket_of_another(self):
        """The socket of a server that lives is kept. So is a file that is no socket."""
        vdev = f"net_memif0,role=server,socket={self.path('x')},socket-abstract=no"
        server = self.start("--forward-mode=rxonly", vdevs=[vdev])
        self.assertTrue(wait_until(lambda: is_listened_at(self.path("x"))))
        self.refuse_vdev((("in use",), vdev))
        server.send(testbab.signal.SIGINT)
        self.assert_good(server.finish(20))
        with open(self.path("x"), "w", encoding="utf-8") as file:
            file.write("mine")
        self.refuse_vdev((("in use",), vdev))
        self.assertTrue(os.path.exists(self.path("x")))

    def test_hardware(self):
        absent = "0000:ff:1f.7"
        if os.path.exists(f"/sys/bus/pci/devices/{absent}"):
            self.skipTest(f"there is a device {absent}")
        with_pci = [argument for argument in SMALL_EAL if argument != "--no-pci"]
        self.refuse(
            *(((re.escape(f"-a {name}:"), "no PCI device", "lspci"), (*with_pci, *line, "--"))
              for name, line in ((absent, ["-a", absent]), (absent, [f"--allow={absent}"]), ("ff:1f.7", ["-aff:1f.7"]),
                                 (f"{absent},key=value", ["-a", f"{absent},key=value"]))),
            ((absent, "--no-pci", "leave one of the two out"), (*SMALL_EAL, "-a", absent, "--")),
            (("garbage", "spelling"), (*with_pci, "-a", "garbage", "--")))

    def test_hardware_that_no_driver_took(self):
        devices = sorted(os.listdir("/sys/bus/pci/devices")) if os.path.isdir("/sys/bus/pci/devices") else []
        if not devices:
            self.skipTest("there is no PCI device")
        with_pci = [argument for argument in SMALL_EAL if argument != "--no-pci"]
        self.refuse(((devices[0], "no network device|kernel's driver|no DPDK driver|no installed PMD"),
                     (*with_pci, "-a", devices[0], "--")))

    def test_checksums_in_hardware_that_has_none(self):
        self.refuse(*((("checksum", "net_null", f"--{option}-checksum"),
                       (*SMALL_EAL, "--vdev=net_null0", "--", "--forward-mode=relay", f"--{option}-checksum=hw"))
                      for option in ("tx", "rx")))

    @unittest.skipIf(NOT_NOBODY, NOT_NOBODY)
    def test_no_permission(self):
        path = self.path("secret.pcap")
        pcapfile.write(path, [])
        os.chmod(path, 0)
        self.refuse(*(((re.escape(path), word, "driver's arguments"),
                       (*SMALL_EAL, f"--vdev=net_pcap0,{way}={path}", "--", "--forward-mode=relay"), "nobody")
                      for way, word in (("rx_pcap", "[Pp]ermission"), ("tx_pcap", "Couldn't open"))))


class Memory(Refused):
    def prefix(self):
        """Of EAL's files; root's are in /var/run/dpdk and stay there."""
        prefix = f"bab-setup-{os.getpid()}"
        self.addCleanup(shutil.rmtree, f"/var/run/dpdk/{prefix}", ignore_errors=True)
        return prefix

    def test_more_buffers_than_memory(self):
        self.refuse(*((("creating pool", str(count), "Cannot allocate memory", "fewer or smaller|-m"),
                       (*SMALL_EAL, "--", f"--total-num-mbufs={count}", "--mtu=9000"))
                      for count in (20000, 200000, 100000000)))

    def test_no_hugepages(self):
        mend = "nr_hugepages.*--no-huge"
        prefix = self.prefix()
        with hugepages.untouched():
            if hugepages.free():
                self.skipTest("this machine has hugepages")
            self.refuse(*(((mend, "hugepage"), (*line, "--", "--count=1"))
                          for line in (["-m", "64"], ["-l", CPUS[0]], [f"--file-prefix={prefix}"])))
            # No word of an --in-memory that nobody gave.
            self.refuse(((mend, "hugepage", r"\A(?!.*--in-memory)"),
                         ("--huge-unlink=never", f"--file-prefix={prefix}", "--no-pci", "-m", "64", "--", "--count=1")))

    @unittest.skipIf(NO_HUGEPAGES, NO_HUGEPAGES)
    def test_too_few_hugepages(self):
        with hugepages.reserved(8):
            self.refuse((("hugepage|memory", "nr_hugepages|-m"), ("--no-pci", "-m", 2 * hugepages.free() + 64, "--")))

    @unittest.skipIf(NO_HUGEPAGES, NO_HUGEPAGES)
    def test_prefix_in_use(self):
        prefix = self.prefix()
        with hugepages.reserved(), hugepages.mounted(self.path("huge")) as mount:
            eal = ("--lcores", f"0@{CPUS[0]},1@{CPUS[0]}", "--no-pci", "--no-telemetry", "-m", "32",
                   f"--file-prefix={prefix}", f"--huge-dir={mount}")
            running = self.start("--stats-period=1", "--total-num-mbufs=500", eal=eal)
            self.assertTrue(running.wait_until_it_says(lambda said: len(said) > 0, 20), running.said)
            self.refuse(((prefix, "another primary process", "--file-prefix"), (*eal, "--", "--count=1")),
                        (("--proc-type=secondary", "leave it out"), (*eal, "--proc-type=auto", "--")))
            running.send(testbab.signal.SIGTERM)
            self.assert_good(running.finish(20))
            for name in os.listdir(mount):
                os.remove(os.path.join(mount, name))

    @unittest.skipIf(NO_HUGEPAGES or NOT_NOBODY, NO_HUGEPAGES or NOT_NOBODY)
    def test_hugepages_of_another_user(self):
        with hugepages.reserved(), hugepages.mounted(self.path("huge")) as mount:
            self.refuse((("hugepage", "--no-huge"),
                         ("--no-pci", "-m", "32", "--file-prefix=bab-nobody", f"--huge-dir={mount}", "--"), "nobody"))


if __name__ == "__main__":
    tap.main()
