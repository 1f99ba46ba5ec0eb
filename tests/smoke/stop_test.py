#!/usr/bin/python3
"""SIGINT and SIGTERM at random moments, in every engine: the run ends in order.

A report, everything accounted for, exit 0. Only before the program can block them (it is still being linked) may a
signal end it, silently. BAB_SEED plays a seed again; BAB_LONG=1 takes 100 runs per engine.
"""

import itertools
import os
import random
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import captures
import pcapfile
import tap
import testbab
from smoke_case import SmokeCase
from testbab import signal

RUNS = 100 if testbab.LONG else 15  # per engine
SIDE_BY_SIDE = 4
HANGS = 20  # seconds
SIGNALS = signal.SIGINT, signal.SIGTERM
SEED = int(os.environ.get("BAB_SEED") or random.SystemRandom().randrange(1 << 32))

# Frames of one 18-byte message: a capture is read without parsing. Where it is written fast, it ends by itself.
COUNT = 1000000
SMALL = "--mtu=68", f"--count={COUNT}"
RECORD = struct.Struct(">68xQ4x18s")  # of such a capture: its header, Ethernet, IPv4, UDP, session; then the rest
INPUT = [struct.pack("!Q10x", number) for number in range(500)]

ENGINES = {  # vdevs and arguments, with names of files in the run's directory
    "loop": (None, ()),
    "loop on one lcore": (None, ("--nb-cores=1", "--txq=2", "--rxq=2")),
    "txonly to a capture": (["net_pcap0,tx_pcap={out}"], ("--forward-mode=txonly", "--msg-size=18", *SMALL)),
    "txonly to nowhere": (["net_null0", "net_null1"], ("--forward-mode=txonly", "--msg-size=0-1400")),
    "rxonly": (["net_pcap0,rx_pcap={in},infinite_rx=1"], ("--forward-mode=rxonly",)),
    "relay": (["net_pcap0,rx_pcap={in},tx_pcap={out},infinite_rx=1"], ("--forward-mode=relay", *SMALL)),
    "echo": (["net_pcap0,rx_pcap={in},tx_pcap={out},infinite_rx=1"], ("--forward-mode=echo", *SMALL)),
    "ping": (None, ("--forward-mode=ping", "--ping-timeout-ms=20000")),
    "ping at full rate on one lcore": (None, ("--forward-mode=ping", "--ping-timeout-ms=20000", "--rate=100k",
                                              "--nb-cores=1")),
    "null": (["net_null0", "net_null1"], ("--forward-mode=null",)),
    "flowgen": (None, ("--forward-mode=flowgen", "--writers=5")),
    "replay": (["net_pcap0,tx_pcap={out}"], ("--forward-mode=replay", "--replay={in}", "--speed=max", "--mtu=68",
                                             f"--repeat={COUNT // len(INPUT)}")),
    "relay between ports": (["net_pcap0,rx_pcap={in},infinite_rx=1", "net_null0"], ("--forward-mode=relay",)),
}


class Shot(NamedTuple):
    at: float  # seconds after exec or after the signal before
    number: int


class Outcome(NamedTuple):
    run: testbab.Run
    protected: bool  # it blocked the signals when the first one was sent
    out: str


def shots(source):
    """When to send which signal. Linking and EAL's start take about 0.1 s; a stopped run drains within milliseconds."""
    first = source.uniform(*source.choice(((0, 0.005), (0, 0.1), (0.1, 0.6), (0.1, 0.6))))
    more = source.choice((0, 0, 1, 3))
    return [Shot(first, source.choice(SIGNALS)),
            *(Shot(source.uniform(0, 0.03), source.choice(SIGNALS)) for _ in range(more))]


def blocks_signals(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            masks = dict(line.split(":", 1) for line in status)
    except (FileNotFoundError, ProcessLookupError):
        return False
    blocked = int(masks.get("SigBlk", "0"), 16)
    return all(blocked >> (number - 1) & 1 for number in SIGNALS)


class Stop(SmokeCase):
    starting = threading.Lock()

    def setUp(self):
        super().setUp()
        self.source = random.Random(f"{SEED} {tap.case_name(self)}")
        stream = captures.Stream("STOPPED")
        pcapfile.write(self.path("in.pcap"), [stream.frame([message]) for message in INPUT])

    def stop(self, engine):
        """Starts and stops RUNS of this engine, several side by side."""
        plans = [shots(self.source) for _ in range(RUNS)]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            ends = [pool.submit(self.stop_one, engine, number, plan) for number, plan in enumerate(plans)]
            self.addCleanup(pool.shutdown, cancel_futures=True)
            silent = ran = 0
            for number, (plan, end) in enumerate(zip(plans, ends)):
                with self.subTest(run=number, plan=plan, BAB_SEED=SEED):
                    outcome = end.result()
                    if self.was_too_early(outcome, plan):
                        silent += 1
                        continue
                    self.assert_good(outcome.run)
                    if not outcome.run.report["interrupted"]:
                        self.assertGreaterEqual(outcome.run.report["bus"]["messages_out"], COUNT)
                    self.assertEqual(outcome.run.stderr, "", outcome.run)
                    self.assert_in_order(outcome)
                    ran += outcome.run.report["bus"]["messages_out"] + outcome.run.report["bus"]["messages_in"] > 0
        print(f"# {engine}: {RUNS} runs, {silent} stopped before main(), {ran} with messages", flush=True)

    def stop_one(self, engine, number, plan):
        vdevs, app = ENGINES[engine]
        out = self.path(f"out{number}.pcap")
        files = {"in": self.path("in.pcap"), "out": out}
        options = {"eal": None} if vdevs is None else {"vdevs": [vdev.format(**files) for vdev in vdevs]}
        with self.starting:
            process = self.start(*(argument.format(**files) for argument in app), **options)
        started = time.monotonic()
        time.sleep(plan[0].at)
        protected = blocks_signals(process.process.pid)
        for shot in plan:
            time.sleep(max(0.0, shot.at - (time.monotonic() - started)))
            process.send(shot.number)
            started = time.monotonic()
        return Outcome(process.finish(HANGS), protected, out)

    def was_too_early(self, outcome, plan):
        run = outcome.run
        if outcome.protected or run.status not in [-shot.number for shot in plan]:
            return False
        self.assertEqual((run.stdout, run.stderr, run.report), ("", "", None), run)
        self.assertFalse(os.path.exists(outcome.out))
        return True

    def assert_in_order(self, outcome):
        bus, engine = outcome.run.report["bus"], outcome.run.report["engine"]
        if engine in ("loop", "flowgen"):
            self.assertEqual((bus["messages_in"], bus["bytes_in"]), (bus["messages_out"], bus["bytes_out"]))
            self.assertEqual([bus[what] for what in ("gaps", "missing", "out_of_order", "duplicates")], [0] * 4)
        if not os.path.exists(outcome.out):
            return
        wanted = zip(itertools.count(1), itertools.cycle(INPUT))
        with open(outcome.out, "rb") as file:
            self.assertEqual(file.seek(0, os.SEEK_END), 24 + RECORD.size * bus["messages_out"], outcome.run)
            file.seek(24)
            # A part at a time: other threads have signals to send.
            while data := file.read(10000 * RECORD.size):
                for (number, message), (next_number, next_message) in zip(RECORD.iter_unpack(data), wanted):
                    if number != next_number or (engine in ("relay", "echo", "replay") and message != next_message):
                        self.fail(f"{number} {message} where {next_number} {next_message} was due: {outcome.run}")
        os.remove(outcome.out)

    def test_loop(self):
        self.stop("loop")

    def test_loop_on_one_lcore(self):
        self.stop("loop on one lcore")

    def test_txonly_to_a_capture(self):
        self.stop("txonly to a capture")

    def test_txonly_to_nowhere(self):
        self.stop("txonly to nowhere")

    def test_rxonly(self):
        self.stop("rxonly")

    def test_relay(self):
        self.stop("relay")

    def test_echo(self):
        self.stop("echo")

    def test_ping(self):
        self.stop("ping")

    def test_ping_at_full_rate(self):
        self.stop("ping at full rate on one lcore")

    def test_null(self):
        self.stop("null")

    def test_flowgen(self):
        self.stop("flowgen")

    def test_replay(self):
        self.stop("replay")

    def test_relay_between_ports(self):
        self.stop("relay between ports")


class Waiting(SmokeCase):
    """Signals while testbab waits for something that may never come."""

    def start_and_wait(self, seconds, *app, **options):
        process = self.start(*app, **options)
        time.sleep(seconds)
        self.assertTrue(blocks_signals(process.process.pid))
        return process

    def test_for_a_link(self):
        """A memif server has no link until its client comes."""
        vdev = f"net_memif0,role=server,socket={self.path('memif.sock')},socket-abstract=no"
        for engine in "txonly", "rxonly", "relay", "ping":
            for number in SIGNALS:
                with self.subTest(engine=engine, signal=number.name):
                    process = self.start_and_wait(0.5, f"--forward-mode={engine}", vdevs=[vdev])
                    process.send(number)
                    run = process.finish(5)
                    self.assert_good(run)
                    self.assertEqual(run.report["bus"]["messages_out"], 0, run)

    def test_for_ever(self):
        """In a call of DPDK that can't be stopped: a second signal, after some patience, ends the process."""
        os.mkfifo(self.path("fifo"))  # nobody reads it
        process = self.start_and_wait(0.5, "--forward-mode=txonly", vdevs=[f"net_pcap0,tx_pcap={self.path('fifo')}"])
        process.send(signal.SIGINT)
        time.sleep(2.2)
        self.assertIsNone(process.process.poll())
        process.send(signal.SIGTERM)
        run = process.finish(5)
        self.assertEqual((run.status, run.stdout, run.stderr), (-signal.SIGTERM, "", ""), run)


class Flood(SmokeCase):
    """Foreign frames without end: a run that is over doesn't wait for them."""

    def check(self, vdev):
        """`vdev`: with the engine's name where it has to be another one for each."""
        engines = "loop", "flowgen", "ping"
        running = [self.start(f"--forward-mode={engine}", "--count=100", "--duration=1", "--ping-timeout-ms=200",
                              vdevs=[vdev.format(engine=engine)]) for engine in engines]
        for engine, process in zip(engines, running):
            with self.subTest(engine=engine):
                run = process.finish(HANGS)
                self.assertEqual((run.status, run.report["bus"]["messages_in"]), (1, 0), run)  # none came back
                self.assertEqual(run.report["bus"]["lost"], 100, run)
                self.assertLess(run.report["seconds"], 6, run)

    def test_does_not_keep_a_run(self):
        self.check("net_null0")  # receives zeros

    def test_of_its_own_session_does_not_keep_a_run_that_is_interrupted(self):
        """There is always progress, and never as much as was sent: a signal ends the waiting all the same."""
        stream = captures.Stream("TESTBAB")
        pcapfile.write(self.path("in.pcap"), [stream.frame([b""]) for _ in range(100)])
        process = self.start("--msg-size=0", vdevs=[f"net_pcap0,rx_pcap={self.path('in.pcap')},infinite_rx=1"])
        time.sleep(1.5)
        process.send(signal.SIGINT)
        signalled = time.monotonic()
        run = process.finish(HANGS)
        self.assertLess(time.monotonic() - signalled, 4, run)
        self.assertGreater(run.report["bus"]["lost"], 0, run)

    def test_of_valid_frames_does_not_keep_a_run(self):
        streams = [captures.Stream(f"STRANGER{number}") for number in range(4)] + [captures.Stream("TESTBAB")]
        pcapfile.write(self.path("in.pcap"), [stream.heartbeat().frame for stream in streams] * 20)
        self.check(f"net_pcap0,rx_pcap={self.path('in.pcap')},infinite_rx=1,tx_pcap={self.path('out-{engine}.pcap')}")


if __name__ == "__main__":
    print(f"# BAB_SEED={SEED}", flush=True)
    # A shell's background job has it ignored, and so would testbab until it blocks it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tap.main()
