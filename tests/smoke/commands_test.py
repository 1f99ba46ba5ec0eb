#!/usr/bin/python3
"""testbab's commands: good and bad forms of each, through pipes and files, and the manual page made from them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import pcapfile
import tap
import testbab
from prompt import run_script
from smoke_case import SmokeCase
from testbab import PLAIN_EAL

GOOD = [  # on the loopback port, in this order
    "# a comment", "", "   ", "\t", "help", "help port", "help drops", "show port info 0", "show port info all json",
    "show port stats 0", "show port summary all", "show port xstats 0", "show port xstats all json",
    "show config fwd", "show config rxtx json", "show config cores", "show bus stats", "show bus pools",
    "show pinned", "show pinned json", "set fwd loop", "set burst 64", "set msgsizes 64", "set msgsizes 64-128",
    "set msgsizes 64,128,256", "set rate 0", "set rate 20k", "set flush frame", "set flush 10 messages",
    "set flush 50 us", "set promisc 0 off", "set promisc all on", "set verbose 0",
    "start  # and what comes behind", "wait 0", "show bus stats json",
    "show bus writers", "show bus writers json", "show bus lcores", "show fwd stats all", "show fwd stats all json",
    "clear bus stats", "clear port stats all", "clear port xstats 0", "stop", "show bus ledger", "show bus ledger json",
    "show bus lcores json", "port stop 0", "port stop all", "port start 0", "port start all",
    "capture start out.pcapng", "show capture", "show capture json", "capture stop",
    "port config mtu 0 1500", "show bus pools json", "quit", "this is never read"]

BAD = {  # what is said of each
    "nonsense": "\"nonsense\" is no command; help lists them",
    "Start": "is no command",
    "start now": "start: unknown word \"now\"; expected tx_first",
    "stop now": "stop: unexpected word \"now\"; the command ends before it",
    "stop": "stop: nothing runs",
    "wait": "wait: nothing runs",
    "wait 86401": "is not a whole number from 0 to 86400",
    "wait -1": "wait: unknown word \"-1\"; expected N",
    "load": "load: a word is missing; expected FILE",
    "load /no/such/file": "load /no/such/file: No such file",
    "load /": "load /: Is a directory",
    "help nonsense": "no command has the word \"nonsense\"",
    "show": "show: a word is missing; expected bus, ",
    "show port": "show port: a word is missing; expected info, stats, summary, xstats",
    "show port info": "show port info: a word is missing; expected N, all",
    "show port info 7": "show port info: there is no port 7; the ports are 0",
    "show port info x": "show port info: unknown word \"x\"; expected N, all",
    "show port info 0 xml": "show port info 0: unknown word \"xml\"; expected json",
    "show port info 0 json json": "show port info 0 json: unexpected word \"json\"; the command ends before it",
    "show bus ledger": "it is drawn up at every stop",
    "show bus writers": "nothing has run yet",
    "show bus latency": "measures no round trips",
    "show fwd stats all": "nothing has run yet",
    "clear port stats": "a word is missing; expected N, all",
    "clear port stats 1": "there is no port 1",
    "clear bus": "a word is missing; expected stats",
    "set": "a word is missing; expected burst, flush, fwd, msgsizes, promisc, rate, verbose",
    "set fwd macswap": "\"macswap\" is no engine; there are loop, ",
    "set burst": "a word is missing; expected N",
    "set burst 0": "set burst: \"0\" is not a whole number from 1 to 512",
    "set burst 99999999999999999999999": "is not a whole number",
    "set msgsizes 64,": "set msgsizes: ",
    "set msgsizes 65536": "set msgsizes: ",
    "set rate fast": "set rate: ",
    "set flush": "a word is missing; expected N, frame",
    "set flush 0 us": "is not a whole number from 1 to",
    "set flush 65535 messages": "is not a whole number from 1 to 65534",
    "set flush 10 ms": "set flush 10: unknown word \"ms\"; expected messages, us",
    "set verbose 3": "is not a whole number from 0 to 2",
    "port": "a word is missing; expected config, start, stop",
    "port start 3": "there is no port 3",
    "port config mtu 0": "a word is missing; expected M",
    "port config mtu 0 10": "is not a whole number from 68 to 65385",
    "port config mtu 5 1500": "there is no port 5",
    "start tx_first": "loop sends by itself",
    "x" * 600: "and one has at most 510",
    "set burst \x01": "expected N",
    "börse": "is no command",
}


class CommandCase(SmokeCase):
    def script(self, text, *app, **options):
        return run_script(text, *app, directory=self.directory, **options)

    def assert_all_well(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        self.assertNotIn("FAULT", done.stdout)
        self.assertNotIn("≠", done.stdout)

    def answers(self, done):
        """The answers of commands with `json`. Each is a document that begins with its schema's number."""
        documents = [json.loads(line) for line in done.stdout.splitlines() if line[:1] in ("{", "[")]
        for document in documents:
            self.assertEqual(list(document.items())[0], ("schema", 1))
        return documents


class Forms(CommandCase):
    def test_good(self):
        done = self.script("\n".join(GOOD), "--mtu=1400")
        self.assert_all_well(done)
        wanted = sum(line.endswith(" json") for line in GOOD)
        self.assertEqual(len(self.answers(done)), wanted, done.stdout)

    def test_every_command_has_a_good_form_here(self):
        listed = set(re.findall(r"^  ([a-z]+(?: [a-z]+)?)", self.script("help").stdout, re.M))
        for syntax in listed:
            self.assertTrue(any(line.startswith(syntax) for line in [*GOOD, "load x"]), syntax)

    def test_bad(self):
        """Every failure has a line of its own, with the script's line number."""
        done = self.script("\n".join(BAD) + "\n", "--keep-going")
        self.assertEqual(done.returncode, 1, done)
        said = dict(re.findall(r"^testbab: standard input:(\d+): (.*)$", done.stderr, re.M))
        self.assertEqual(len(said), len(BAD), done.stderr)
        for number, (line, why) in enumerate(BAD.items(), 1):
            with self.subTest(line=line[:40]):
                self.assertIn(why, said[str(number)])
        self.assertEqual(done.stderr.count("\n"), len(BAD), "one line each")

    def test_what_cannot_be_done_while_an_engine_runs(self):
        lines = ["start", "start", "port stop 0", "port stop all", "port config mtu 0 1500", "quit"]
        done = self.script("\n".join(lines), "--keep-going")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(re.findall(r"stop it first", done.stderr)), 4, done.stderr)
        self.assertIn("good:", done.stdout)

    def test_engines_that_need_a_port(self):
        for engine in "txonly", "rxonly", "relay", "echo", "null":
            done = self.script(f"set fwd {engine}\nstart\n")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{engine} needs a port", done.stderr)

    def test_a_port_that_is_stopped(self):
        done = self.script("port stop 0\nstart\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("port start 0 starts it", done.stderr)


class Scripts(CommandCase):
    def write(self, name, *lines):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        return self.path(name)

    def test_the_first_failure_ends_it(self):
        done = self.script("set burst 0\nshow config fwd\n")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("forwarding", done.stdout)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_keep_going(self):
        done = self.script("set burst 0\nshow config fwd\n", "--keep-going")
        self.assertEqual(done.returncode, 1)
        self.assertIn("loop packet forwarding", done.stdout)

    def test_file(self):
        path = self.write("script", "set fwd flowgen", "start", "wait 0", "stop", "show bus ledger json")
        run = self.run_testbab(f"--cmdline-file={path}", eal=None)
        self.assertEqual((run.status, run.stderr), (0, ""), run)
        self.assertEqual(run.report["engine"], "flowgen")
        self.assert_whole(run.report)
        self.assert_adds_up(run.report)
        self.assertIn('"balanced":true', run.stdout)

    def test_file_that_fails(self):
        path = self.write("script", "# first", "set fwd nothing")
        run = self.run_testbab(f"--cmdline-file={path}", eal=None)
        self.assertEqual(run.status, 1, run)
        self.assertIn(f"{path}:2: set fwd: \"nothing\" is no engine", run.stderr)

    def test_file_that_is_not_there(self):
        """Nothing is started for it."""
        for path, why in (self.path("none"), "No such file or directory"), (self.path("."), "Is a directory"):
            self.assert_refused(self.run_testbab(f"--cmdline-file={path}", eal=None),
                                f"--cmdline-file={path}: {why}; give a file that can be read")

    def test_files_that_load_files(self):
        inner = self.write("inner", "show config cores", "set burst x")
        outer = self.write("outer", f"load {inner}")
        done = self.script(f"load {outer}\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("List of forwarding lcores", done.stdout)
        self.assertIn(f"standard input:1: {outer}:1: {inner}:2: set burst: unknown word", done.stderr)

    def test_a_file_that_loads_itself(self):
        path = self.path("self")
        self.write("self", f"load {path}")
        done = self.script(f"load {path}\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("files that load each other", done.stderr)

    def test_binary(self):
        with open(self.path("binary"), "wb") as file:
            file.write(bytes(range(256)) * 1000)
        done = self.script(f"load {self.path('binary')}\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr[:500])

    def test_no_end_of_the_last_line(self):
        self.assertIn("loop packet", self.script("show config fwd").stdout)

    def test_ends_of_lines_from_elsewhere(self):
        self.assert_all_well(self.script("show config fwd\r\nstart\r\nstop\r\n"))

    def test_end_of_input_is_quit(self):
        done = self.script("start\n")
        self.assert_all_well(done)
        self.assertIn("good:", done.stdout)

    def test_verbose_shows_what_is_done(self):
        done = self.script("set verbose 2\nshow config fwd\n")
        self.assertIn("testbab> show config fwd\n", done.stdout)

    def test_a_reader_that_goes_away(self):
        command = testbab.arguments(["-i", "--keep-going"], eal=None)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=self.directory)
        process.stdout.close()
        started = time.monotonic()
        _, said = process.communicate(b"start\n" + b"help\n" * 100 + b"wait 60\n", timeout=30)
        self.assertEqual(process.returncode, 1, said)
        self.assertIn(b"can't be written", said)
        self.assertLess(time.monotonic() - started, 25, "it doesn't wait")

    def test_a_writer_that_waits(self):
        """Each command is done when it comes. Signals end testbab between commands."""
        process = subprocess.Popen(testbab.arguments(["-i"], eal=None), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   cwd=self.directory, text=True)
        process.stdin.write("start\nshow config fwd\n")
        process.stdin.flush()
        while "loop packet" not in process.stdout.readline():
            pass
        process.terminate()
        said = process.communicate(timeout=20)[0]
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("good:", said)


class Doing(CommandCase):
    def test_runs_again_and_again(self):
        done = self.script("start\nwait 0\nstop\n" * 10 + "show bus stats json\nshow port stats 0 json\n")
        self.assert_all_well(done)
        self.assertEqual(done.stdout.count("good:"), 10)
        bus, ports = self.answers(done)
        port, = ports["ports"]
        self.assertEqual((bus["runs"], bus["faults"], bus["lost"]), (10, 0, 0))
        self.assertEqual(port["tx_frames"], bus["frames_out"], "statistics are of all runs")
        self.assertGreater(bus["messages_out"], 0)

    def test_one_engine_after_the_other(self):
        lines = [f"set fwd {engine}\nstart\nwait\n" for engine in ("loop", "flowgen", "ping", "loop", "ping")]
        done = self.script("".join(lines) + "show bus latency\nshow bus latency json\n", "--duration=0.2")
        self.assert_all_well(done)
        self.assertEqual(done.stdout.count("good:"), 5)
        self.assertGreater(self.answers(done)[0]["p50_ns"], 0)

    def test_mtu(self):
        """Frames become larger than the buffers: the pools are made anew."""
        done = self.script("show bus pools json\nstart\nwait\nport config mtu 0 9000\nshow bus pools json\n"
                           "show port info 0 json\nstart\nwait\nport config mtu 0 1500\nstart\nwait\n"
                           "show port info 0 json\n", "--mtu=1500", "--count=20000")
        self.assert_all_well(done)
        before, after, info, at_last = self.answers(done)
        self.assertLess(before["pools"][0]["data_room"], 9000)
        self.assertGreater(after["pools"][0]["data_room"], 9000)
        self.assertEqual((info["ports"][0]["mtu"], at_last["ports"][0]["mtu"]), (9000, 1500))
        self.assertIn("(net_ring), MTU 9000", done.stdout, "it ran with it")

    def test_mtu_that_the_port_cannot_have(self):
        done = self.script("port config mtu 0 9000\nshow port info 0 json\nstart\nwait\n", "--mtu=1500",
                           "--mbuf-size=2176", "--count=1000", "--keep-going")
        self.assertEqual(done.returncode, 1)
        self.assertIn("raise --mbuf-size", done.stderr)
        self.assertEqual(self.answers(done)[0]["ports"][0]["mtu"], 1500)
        self.assertIn("good:", done.stdout, "it still runs")

    def test_port_stop_and_start(self):
        done = self.script("start\nwait\nport stop 0\nshow port info 0 json\nport start 0\nstart\nwait\n",
                           "--count=1000")
        self.assert_all_well(done)
        self.assertIs(self.answers(done)[0]["ports"][0]["started"], False)
        self.assertEqual(done.stdout.count("good:"), 2)

    def test_set_acts_from_the_next_start_on(self):
        done = self.script("set msgsizes 100\nset flush 3 messages\nstart\nwait\n", "--count=3000")
        self.assert_all_well(done)
        self.assertIn("out: 3000 messages", done.stdout)
        self.assertIn("300000 bytes, 1000 frames (3.0 messages each)", done.stdout)
        self.assertIn("from the next start on", self.script("start\nset burst 4\n").stdout)

    def test_clear(self):
        done = self.script("start\nwait\nshow port stats 0 json\nclear port stats 0\nclear bus stats\n"
                           "show port stats 0 json\nshow bus stats json\nstart\nwait\nshow port stats 0 json\n",
                           "--count=1000")
        self.assert_all_well(done)
        before, none, bus, after = self.answers(done)
        before, none, after = (stats["ports"][0] for stats in (before, none, after))
        self.assertGreater(before["tx_frames"], 0)
        self.assertEqual([none[key] for key in ("tx_frames", "rx_frames", "rx_bytes")], [0, 0, 0])
        self.assertEqual((bus["runs"], bus["messages_out"]), (0, 0))
        self.assertEqual(after["tx_frames"], before["tx_frames"])

    def test_ledger(self):
        done = self.script("start\nwait\nshow bus ledger json\n", "--count=100000")
        self.assert_all_well(done)
        ledger = self.answers(done)[0]
        self.assertIs(ledger["balanced"], True)
        rows = {term["name"]: term for term in ledger["terms"]}
        for name in ("port 0: frames given to the driver", "port 0: frames received", "messages generated",
                     "frames written", "frames received", "messages sent"):
            self.assertEqual(rows[name]["in"], sum(rows[name]["out"].values()), name)
            self.assertEqual(rows[name]["unaccounted"], 0)
        self.assertEqual(rows["messages sent"]["out"], {"received": 100000, "lost on the way": 0})

    def test_tx_first(self):
        """Frames circulate in a port of rings, once some were sent."""
        done = self.script("set fwd relay\nstart tx_first\nwait 1\nstop\nshow bus stats json\n", eal=PLAIN_EAL,
                           vdevs=["net_ring0"])
        self.assert_all_well(done)
        self.assertGreater(self.answers(done)[0]["messages_in"], 0, done.stdout)

    def test_pinned(self):
        """Nobody takes frames out of this port: they stay, and get older."""
        done = self.script("start\nwait 2\nshow bus lcores json\nshow pinned json\nwait 1\nshow pinned json\n"
                           "show pinned\nstop\nshow pinned json\n", "--forward-mode=txonly", eal=PLAIN_EAL,
                           vdevs=["net_ring0"])
        lcores, first, later, at_last = self.answers(done)
        self.assertGreaterEqual(len(first["pinned"]), 100, done.stdout)
        ages = [buffer["seconds"] for buffer in later["pinned"]]
        self.assertEqual(ages, sorted(ages, reverse=True), "oldest first")
        self.assertGreater(ages[0], first["pinned"][0]["seconds"] + 0.5)
        sender, = [lcore["lcore"] for lcore in lcores["lcores"] if lcore["jobs"] == ["generator"]]
        sent = [buffer for buffer in later["pinned"] if buffer["pool"] == "tx_0"]
        self.assertGreaterEqual(len(sent), 100)
        for buffer in sent:
            self.assertEqual((buffer["handles"], buffer["lcores"]), ([], [sender]))
        self.assertIn({"lcores": [sender], "buffers": len(sent)}, later["by_lcores"])
        self.assertEqual(sum(each["buffers"] for each in later["by_lcores"]), len(later["pinned"]))
        self.assertRegex(done.stdout, rf"(?m)^  lcore {sender}: [0-9]+$")
        self.assertRegex(done.stdout, rf"pool tx_0 .*, held by a queue, a writer or a driver of lcore {sender}\n")
        self.assertEqual(at_last["in_use"], 0, "a stop frees what is in memory ports")

    def test_drops_are_explained(self):
        said = self.script("help drops").stdout
        for reason in "rx_missed", "tx_full", "malformed", "no_buffer":
            self.assertRegex(said, rf"(?m)^  {reason} +(frames|messages) +[A-Z].*\.$")

    def test_a_capture_is_not_thrown_away_between_runs(self):
        pcapfile.write(self.path("in.pcap"), captures.frames(captures.many_small(50)))
        done = self.script("port stop 0\nport start 0\nstart\nwait 0\nwait 1\nstop\nshow bus stats json\n",
                           "--forward-mode=rxonly", eal=PLAIN_EAL,
                           vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')}"])
        self.assert_all_well(done)
        self.assertGreater(self.answers(done)[0]["messages_in"], 0, done.stdout)


class Manual(CommandCase):
    def output(self, flag):
        return subprocess.run([testbab.PROGRAM, flag], capture_output=True, text=True, check=True).stdout

    def test_has_every_option_and_command(self):
        plain = self.output("--man").replace("\\-", "-")
        for option in re.findall(r"^  (?:-\w,)?(--[a-z-]+)", self.output("--help"), re.M):
            self.assertIn(option, plain)
        for syntax in re.findall(r"^  ([a-z]+ [^ ].*?)(?:  +.*)?$", self.script("help").stdout, re.M):
            self.assertIn(syntax.replace("…", "..."), plain)

    def test_the_built_one_is_this_one(self):
        built = os.path.join(os.path.dirname(testbab.PROGRAM), "testbab.1")
        if not os.path.exists(built):
            self.skipTest("testbab.1 isn't built beside the program")
        with open(built, encoding="utf-8") as file:
            self.assertEqual(file.read(), self.output("--man"))

    def test_groff_reads_it(self):
        if not shutil.which("groff"):
            self.skipTest("groff isn't installed")
        read = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=self.output("--man"), text=True,
                              capture_output=True, check=False)
        self.assertEqual((read.returncode, read.stderr), (0, ""))

    def test_the_installed_completion(self):
        """meson installs the file where bash-completion looks for it. It registers a function that bash then has."""
        installed = self.installed("testbab.bash")
        self.assertTrue(installed.endswith("/share/bash-completion/completions/testbab.bash"), installed)
        built = os.path.join(os.path.dirname(testbab.PROGRAM), "testbab.bash")
        if not os.path.exists(built):
            self.skipTest("testbab.bash isn't built beside the program")
        script = (f"source {shlex.quote(built)}\n"
                  "set -- $(complete -p testbab)\n"
                  "while [[ $1 != -F ]]; do shift; done\n"
                  "COMP_WORDS=(testbab --capture-s) COMP_CWORD=1; $2 testbab --capture-s testbab\n"
                  "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
                  "COMP_WORDS=(testbab --forward-mode = repl) COMP_CWORD=3; $2 testbab repl =\n"
                  "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout.split(), done.stderr), (["--capture-share=", "replay"], ""))

    def installed(self, name):
        """The place to which meson installs a file that is built beside the program."""
        build = os.path.abspath(os.path.join(os.path.dirname(testbab.PROGRAM), "..", ".."))
        if not shutil.which("meson") or not os.path.exists(os.path.join(build, "meson-info")):
            self.skipTest("this is no build directory of meson's")
        done = subprocess.run(["meson", "introspect", build, "--installed"], capture_output=True, text=True, check=True)
        found = [to for made, to in json.loads(done.stdout).items() if os.path.basename(made) == name]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def complete(self, *words):
        """The words that bash offers for the last one of these words."""
        script = (self.output("--bash-completion") + "\nCOMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _testbab\n"
                  "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True,
                              cwd=self.directory)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion(self):
        self.assertEqual(self.complete("testbab", "--forw"), ["--forward-mode="])
        self.assertEqual(self.complete("testbab", "--forward-mode", "=", "rx"), ["rxonly"])
        self.assertEqual(self.complete("testbab", "--forward-mode", "fl"), ["flowgen"])
        self.assertEqual(sorted(self.complete("testbab", "--tx-checksum", "=")), ["auto", "hw", "off", "sw"])
        with open(self.path("script.txt"), "w", encoding="utf-8"):
            pass
        self.assertEqual(self.complete("testbab", "--cmdline-file", "=", "scr"), ["script.txt"])
        options = self.complete("testbab", "--")
        for option in re.findall(r"^  (?:-\w,)?(--[a-z-]+)", self.output("--help"), re.M):
            self.assertTrue(option in options or f"{option}=" in options, option)


if __name__ == "__main__":
    tap.main()
