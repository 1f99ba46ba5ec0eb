#!/usr/bin/python3
"""After kill -9 the next start works. Full disks and closed streams don't end a run by a signal."""

import json
import os
import resource
import shutil
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import hugepages
import tap
import testbab
from memif import MemifCase, is_listened_at, wait_until
from smoke_case import SmokeCase
from stalled_thread import StalledThread, mappings
from testbab import signal

LCORE_1 = ("rte-worker-1", "dpdk-worker1")  # DPDK up to 23.07, and since
NO_HUGEPAGES = hugepages.obstacle()
NO_MOUNT = "only root can mount file systems" if os.geteuid() else None
TWO_LCORES = "--lcores", "0@0,1@0"
HUGE_EAL = *TWO_LCORES, "--no-pci", "-m", "64"
ANY_SIZE = {"largest_file": resource.RLIM_INFINITY}  # --in-memory reserves space in a file that is none on a disk


class Crash(SmokeCase):
    def kill_when_it_runs(self, *app, **options):
        self.kill(self.start_until_it_runs(*app, **options))

    def start_until_it_runs(self, *app, **options):
        process = self.start(*app, "--stats-period=1", **options)
        self.assertTrue(process.wait_until_it_says(lambda said: any("dropped" in line for _, _, line in said), 20),
                        process.said)
        return process

    def kill(self, process):
        process.send(signal.SIGKILL)
        self.assertEqual(process.finish().status, -signal.SIGKILL)

    def assert_starts_again(self, *app, **options):
        run = self.run_testbab(*app, "--count=10000", timeout=20, **options)
        self.assert_good(run)
        return run


class Killed(Crash, MemifCase):
    def test_embedded(self):
        self.kill_when_it_runs(eal=None)
        self.assert_starts_again(eal=None)

    @unittest.skipIf(NO_HUGEPAGES, NO_HUGEPAGES)
    def test_with_hugepages(self):
        with hugepages.reserved():
            free = hugepages.free()
            for _ in range(2):
                self.kill_when_it_runs(eal=HUGE_EAL, **ANY_SIZE)
                wait_until(lambda: hugepages.free() == free)
                self.assertEqual(hugepages.free(), free)
                self.assertEqual([os.listdir(path) for path in hugepages.mounts()], [[] for _ in hugepages.mounts()])
            self.assert_starts_again(eal=HUGE_EAL, **ANY_SIZE)
            self.assertEqual(hugepages.free(), free)

    @unittest.skipIf(NO_HUGEPAGES, NO_HUGEPAGES)
    def test_with_hugepages_in_files(self):
        """DPDK leaves files then, and a start with the same prefix uses them again."""
        prefix = f"bab-crash-{os.getpid()}"
        self.addCleanup(shutil.rmtree, f"/var/run/dpdk/{prefix}", ignore_errors=True)
        with hugepages.reserved(), hugepages.mounted(self.path("huge")) as mount:
            eal = *HUGE_EAL, f"--file-prefix={prefix}", f"--huge-dir={mount}"
            self.kill_when_it_runs(eal=eal)
            self.assert_starts_again(eal=eal)
            for name in os.listdir(mount):
                os.remove(os.path.join(mount, name))

    def test_memif_server_leaves_its_socket(self):
        self.start_server("--forward-mode=rxonly").send(signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not is_listened_at(self.path("memif.sock"))))
        self.assertTrue(os.path.exists(self.path("memif.sock")))
        runs = self.run_pair(("--forward-mode=rxonly", "--idle-exit-ms=1000"),
                             ("--forward-mode=txonly", "--count=10000"))
        for run in runs.values():
            self.assert_good(run)
        self.assertEqual(runs["server"].report["bus"]["messages_in"], 10000, runs["server"])

    def test_memif_client(self):
        """In both directions of messages, the server's run ends when it is told to, and its ledger adds up."""
        for ours, theirs in ("rxonly", "txonly"), ("txonly", "rxonly"):
            with self.subTest(server=ours):
                server = self.start_server(f"--forward-mode={ours}")
                client = self.start_until_it_runs(f"--forward-mode={theirs}", vdevs=[self.vdev("client")])
                self.kill_beside(server, client)
                self.assertIsNone(server.poll())
                server.send(signal.SIGINT)
                run = server.finish(20)
                # What it couldn't send to a peer that is gone is lost, and said so.
                self.assert_ended(run, 1 if run.report["bus"]["lost"] else 0)
                if ours == "rxonly":
                    self.assertEqual(run.report["bus"]["lost"], 0, run)
                self.assertEqual(run.report["bus"]["corrupt"], 0, run)

    def kill_beside(self, server, client):
        """The client ends while the server's lcore isn't in the driver, which frees memory that is used there."""
        pid = server.process.pid
        self.assertTrue(shares_memory(pid))
        try:
            with StalledThread(pid, LCORE_1, in_program=True):
                self.kill(client)
                self.assertTrue(wait_until(lambda: not shares_memory(pid)))
        except PermissionError as error:
            self.skipTest(str(error))


def shares_memory(pid):
    """Crashes with a peer over net_memif."""
    return any("memfd:memif" in path for _, _, path in mappings(pid))


class Outputs(Crash):
    """Outputs that are full, closed, or without a reader."""

    def run_shell(self, line, *app):
        """Runs a shell's `line`; $T is testbab. Gives exit code (128 + N after signal N), standard output and error."""
        command = " ".join(map(str, [testbab.PROGRAM, *app]))
        ended = subprocess.run(["bash", "-c", line.replace("$T", command)], capture_output=True, text=True, timeout=20,
                               check=False, env={**os.environ, "XDG_RUNTIME_DIR": self.directory}, cwd=self.directory)
        return ended.returncode, ended.stdout, ended.stderr

    def assert_good_report(self, text):
        report = json.loads(text)
        self.assertEqual((report["exit_code"], report["ledger"]["balanced"]), (0, True))

    def test_a_report_on_a_full_disk(self):
        for where in "--json=/dev/full", "--json=- >/dev/full":
            with self.subTest(where=where):
                status, _, err = self.run_shell(f"$T {where}", "--count=100")
                self.assertEqual(status, 2, err)
                sentences = [line for line in err.splitlines() if line.startswith("testbab: ")]
                self.assertEqual(len(sentences), 1, err)
                self.assertRegex(sentences[0], r"--json=(/dev/full|-): .*No space left on device; ")

    def test_text_that_nobody_gets(self):
        """The run is as good as ever, and so is its report."""
        streams = (">/dev/full", ">&-", "2>/dev/full", "2>&-", "<&-", ">&- 2>&-", ">/dev/full 2>/dev/full",
                   ">&- 2>&- <&-", ">&- <&-", "2>&- <&-", "2>&1 | head -1")
        paths = [self.path(f"{number}.json") for number in range(len(streams))]

        def run(stream, path):
            return self.run_shell(f"set -o pipefail; $T {stream}", "--duration=1.2", "--stats-period=1",
                                  f"--json={path}")

        with ThreadPoolExecutor(4) as pool:
            for stream, path, (status, _, err) in zip(streams, paths, pool.map(run, streams, paths)):
                with self.subTest(stream=stream):
                    self.assertEqual((status, err), (0, ""))
                    with open(path, encoding="utf-8") as report:
                        self.assert_good_report(report.read())

    def test_report_on_standard_output_and_text_that_nobody_gets(self):
        for stream in "2>/dev/full", "2>&-", "2>&- <&-":
            with self.subTest(stream=stream):
                status, out, _ = self.run_shell(f"$T {stream}", "--count=100", "--json=-")
                self.assertEqual(status, 0)
                self.assert_good_report(out)

    def test_report_that_nobody_gets(self):
        for stream in ">&-", ">&- 2>&-", ">&- 2>/dev/full", ">&- 2>&- <&-", "| true; exit ${PIPESTATUS[0]}":
            with self.subTest(stream=stream):
                status, out, err = self.run_shell(f"$T {stream}", "--count=100", "--json=-")
                self.assertEqual((status, out), (2, ""), err)

    def test_a_mistake_that_nobody_is_told(self):
        for mistake in "--no-such-option", "--nb-cores=99", "--json=/no/such/directory", "--no-such-eal-option --":
            for stream in "2>/dev/full", "2>&-", "2>&- >&-":
                with self.subTest(mistake=mistake, stream=stream):
                    self.assertEqual(self.run_shell(f"$T {stream}", mistake), (2, "", ""))

    def test_help_that_nobody_gets(self):
        for option in "--help", "--version":
            for stream in ">&-", ">/dev/full", ">&- 2>&-", "| true; exit ${PIPESTATUS[0]}":
                with self.subTest(option=option, stream=stream):
                    status, out, err = self.run_shell(f"$T {stream}", option)
                    self.assertIn(status, (0, 2))
                    self.assertEqual((out, err), ("", ""))

    @unittest.skipIf(NO_MOUNT, NO_MOUNT)
    def test_a_capture_on_a_full_disk(self):
        """net_pcap doesn't report a full disk. testbab does."""
        small = self.path("small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=True)
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        out = os.path.join(small, "out.pcap")
        run = self.run_testbab("--forward-mode=txonly", "--count=100000", vdevs=[f"net_pcap0,tx_pcap={out}"])
        self.assert_ended(run, 1)
        fault = [line for line in run.stdout.splitlines() if "FAULT" in line]
        self.assertEqual(len(fault), 1, run)
        self.assertRegex(fault[0], rf"\d+ bytes missing in {out} .*disk.*full")
        self.assertEqual(run.report["exit_code"], 1)


if __name__ == "__main__":
    tap.main()
