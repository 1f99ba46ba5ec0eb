#!/usr/bin/python3
"""testbab's command line: help, version, and every mistake in one sentence with exit code 2."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import pcapfile
import tap
import testbab
from smoke_case import SmokeCase

ENGINES = "loop", "txonly", "rxonly", "relay", "flowgen", "echo", "ping", "null"
OPTIONS = (
    "--forward-mode", "--nb-cores", "--rxq", "--txq", "--rxd", "--txd", "--burst", "--mbcache", "--mbuf-size",
    "--total-num-mbufs", "--stats-period", "--max-pkt-len", "--eth-peer", "--tx-ip", "--tx-udp", "--auto-start",
    "--mtu", "--msg-size", "--count", "--duration", "--idle-exit-ms", "--session", "--vlan", "--max-delay-us",
    "--tx-checksum", "--rx-checksum", "--tx-vlan", "--enable-hw-vlan-strip", "--promisc", "--rx-udp-port", "--json",
    "--version", "--help")


class Asked(SmokeCase):
    def assert_help(self, run):
        self.assertEqual((run.status, run.stderr), (0, ""), run)
        for word in OPTIONS + ENGINES:
            self.assertIn(word, run.stdout)

    def test_help(self):
        self.assert_help(self.run_testbab("--help", eal=None, report=None))

    def test_help_behind_the_separator(self):
        self.assert_help(self.run_testbab("--help", eal=(), report=None))
        self.assert_help(self.run_testbab("--help", report=None))

    def test_version(self):
        run = self.run_testbab("--version", eal=None, report=None)
        self.assertEqual((run.status, run.stderr), (0, ""), run)
        self.assertRegex(run.stdout, r"^testbab \d+\.\d+\.\d+")


class Mistakes(SmokeCase):
    """Mistakes in the application's arguments."""

    def refuse(self, *app, words=(), eal=None, **options):
        self.assert_refused(self.run_testbab(*app, "--count=1", eal=eal, timeout=10, **options), *words)

    def test_unknown_option(self):
        self.refuse("--no-such-option", words=["no-such-option"])

    def test_unknown_option_behind_eal_arguments(self):
        self.refuse("--no-such-option", words=["no-such-option"], eal=testbab.PLAIN_EAL)

    def test_stray_word(self):
        self.refuse("word", words=["word"])

    def test_unknown_engine(self):
        self.refuse("--forward-mode=macswap", words=["macswap", *ENGINES])

    def test_no_number(self):
        for option in "duration", "burst", "mtu", "nb-cores", "txd", "vlan", "rx-udp-port", "idle-exit-ms", "msg-size":
            for value in "abc", "", "12x", "-1":
                with self.subTest(option=option, value=value):
                    self.refuse(f"--{option}={value}", words=[option])

    def test_out_of_range(self):
        for option, value in (("vlan", 4096), ("vlan", 70000), ("rx-udp-port", 65536), ("burst", 0), ("nb-cores", 0),
                              ("rxq", 0), ("txq", 0), ("mtu", 70000), ("mtu", 20), ("mtu", 0)):
            with self.subTest(option=option, value=value):
                self.refuse(f"--{option}={value}", words=[option])

    def test_message_larger_than_a_frame_holds(self):
        for mtu, fits in (1500, 1450), (9000, 8950):
            with self.subTest(mtu=mtu):
                self.refuse(f"--mtu={mtu}", f"--msg-size={fits + 1}", words=[str(fits + 1), rf"\b{fits}\b"])
                self.refuse(f"--mtu={mtu}", f"--msg-size=1-{fits + 1}", words=[str(fits + 1), rf"\b{fits}\b"])

    def test_range_of_sizes(self):
        for value in "40-20", "20-", "-", "1-2-3", "1,2-3":
            with self.subTest(value=value):
                self.refuse(f"--msg-size={value}", words=["msg-size"])

    def test_packet_length_and_mtu_that_disagree(self):
        for mtu, length in (1500, 9022), (9000, 1522), (9000, 9000):
            with self.subTest(mtu=mtu, length=length):
                self.refuse(f"--mtu={mtu}", f"--max-pkt-len={length}",
                            words=["mtu", "max-pkt-len", str(mtu), str(length)])

    def test_session(self):
        for value in "ELEVENCHARS", "Börse", "":
            with self.subTest(value=value):
                self.refuse(f"--session={value}", words=["session"])

    def test_addresses(self):
        for option, value in (("tx-ip", "10.0.0.1"), ("tx-ip", "10.0.0.1,10.0.0"), ("tx-ip", "10.0.0.1,300.0.0.1"),
                              ("tx-ip", "1.2.3.4,5.6.7.8,9.9.9.9"), ("tx-udp", "9"), ("tx-udp", "9,65536"),
                              ("tx-udp", "9,x"), ("eth-peer", "0"), ("eth-peer", "0,02:00:00"),
                              ("eth-peer", "0,02:00:00:00:00:0g"), ("eth-peer", "x,02:00:00:00:00:01")):
            with self.subTest(option=option, value=value):
                self.refuse(f"--{option}={value}", words=[option])

    def test_peer_of_a_port_that_is_not_there(self):
        self.refuse("--eth-peer=7,02:00:00:00:00:01", words=["eth-peer", "7"])

    def test_checksum_modes(self):
        for option in "tx-checksum", "rx-checksum":
            with self.subTest(option=option):
                self.refuse(f"--{option}=maybe", words=[option, "auto", "hw", "sw", "off"])

    def test_report_that_cannot_be_written(self):
        path = self.path("no/such/directory.json")
        self.assert_refused(self.run_testbab("--count=1", f"--json={path}", eal=None, report=None), path)


class Setup(SmokeCase):
    """Arguments that are right, but that this machine can't do."""

    def refuse(self, *app, words=(), **options):
        run = self.run_testbab(*app, "--count=1", "--idle-exit-ms=100", timeout=10, **options)
        self.assert_refused(run, *words)

    def pcap(self):
        pcapfile.write(self.path("in.pcap"), [])
        return f"net_pcap0,rx_pcap={self.path('in.pcap')},tx_pcap={self.path('out.pcap')}"

    def test_engines_that_have_no_port(self):
        for engine in set(ENGINES) - {"loop", "flowgen", "ping"}:
            for eal in None, testbab.PLAIN_EAL:
                with self.subTest(engine=engine, eal=eal):
                    self.refuse(f"--forward-mode={engine}", eal=eal, words=[engine, "port", "--vdev|-a"])

    def test_vdev_that_does_not_come_up(self):
        missing = self.path("missing.pcap")
        self.refuse("--forward-mode=rxonly", vdevs=[f"net_pcap0,rx_pcap={missing}"], words=["net_pcap0"])

    def test_vdev_of_no_driver(self):
        self.refuse("--forward-mode=rxonly", vdevs=["net_nonesuch0"], words=["net_nonesuch0"])

    def test_one_of_two_vdevs_does_not_come_up(self):
        self.refuse("--forward-mode=rxonly", vdevs=[self.pcap(), "net_nonesuch0"], words=["net_nonesuch0"])

    def test_eal_argument_that_is_none(self):
        self.refuse(eal=(*testbab.PLAIN_EAL, "--no-such-eal-option"), words=["no-such-eal-option"])

    def test_more_memory_than_there_is(self):
        self.refuse("--total-num-mbufs=200000", "--mtu=9000", eal=(*testbab.PLAIN_EAL[:-1], "64"),
                    words=["200000", "memory|-m|mbuf"])

    def test_more_workers_than_lcores(self):
        self.refuse("--nb-cores=100", eal=None, words=["nb-cores", "100", "lcore"])

    def test_more_queues_than_the_port_has(self):
        self.refuse("--forward-mode=rxonly", "--rxq=5", vdevs=[self.pcap()], words=["rxq|queue", "5"])

    def test_checksums_in_hardware_that_has_none(self):
        for option in "tx-checksum", "rx-checksum":
            with self.subTest(option=option):
                self.refuse("--forward-mode=relay", f"--{option}=hw", vdevs=[self.pcap()],
                            words=["checksum", "net_pcap"])


if __name__ == "__main__":
    tap.main()
