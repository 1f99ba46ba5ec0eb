"""Check 5: stopped and started again and again, by commands, as new processes, and after a kill -9."""

import collections

from check_loop import messages_a_frame
from nic_case import PAIR
import testbab

RESTARTS = 20 if testbab.LONG else 3


class Restarts:
    def test_ports_stop_and_start(self):
        commands = []
        for _ in range(RESTARTS):
            commands += ["start", "wait", "show bus ledger json", "port stop all", "port start all"]
        commands += ["show port info all json", "port stop all", "show bus pools json"]
        run, answers = self.script(PAIR, commands, "--count=20000", timeout=30 + 10 * RESTARTS)
        self.assert_script_good(run)
        *ledgers, info, pools = answers
        self.assertEqual(len(ledgers), RESTARTS)
        for ledger in ledgers:
            sent = next(term for term in ledger["terms"] if term["name"] == "messages sent")
            self.assertEqual((ledger["balanced"], sent["out"]["received"]), (True, 20000), ledger)
        # Of the pool that it receives into, or of the one that it was first tried with.
        in_use = collections.Counter()
        for pool in pools["pools"]:
            in_use[pool["name"].replace("try", "rx")[:4]] += pool["in_use"]
        held = [port["rx_buffers"]["held"] for port in info["ports"]]
        if self.device.keeps_ring:
            # A ring: the device's own, or (seen with DPDK 24.11) what was asked for.
            self.assertEqual(held, [256, 256] if testbab.dpdk() < (24, 11) else [512, 512], info)
        kept = held if self.device.keeps_ring else (0, 0)
        self.assertEqual(+in_use, +collections.Counter(rx_0=kept[0], rx_1=kept[1]))


class NewProcesses:
    def test_new_processes(self):
        count = 200 * messages_a_frame(1500)
        for number in range(RESTARTS):
            with self.subTest(start=number):
                self.assert_nothing_lost(self.pair(f"--count={count}"), count)

    def test_killed_and_started_again(self):
        """Frames that nobody took, in rings that nobody has any more, are nobody's fault now.

        Paced, since QEMU keeps up to 10,000 for a NIC whose ring is full, and hands them to whoever starts it: a first
        start takes what there may be.
        """
        count = 200 * messages_a_frame(1500)
        for number in range(3 if testbab.LONG else 1):
            with self.subTest(kill=number):
                job = self.guest.start_testbab("--stats-period=1", "--rate=20k", eal=PAIR)
                self.assertTrue(job.wait_until_it_says("msg/s"), job.said())
                job.kill("KILL")
                self.assertEqual(job.finish().status, 137)
                self.assert_good(self.pair("--forward-mode=null", "--duration=0.5"))
                self.assert_nothing_lost(self.pair(f"--count={count}"), count)


class MtuUpAndDown:
    def test_mtu_up_and_down_between_runs(self):
        commands = []
        for mtu in (1500, 9000, 1500, 4000) * (2 if testbab.LONG else 1):
            commands += [f"port config mtu 0 {mtu}", f"port config mtu 1 {mtu}", "start", "wait",
                         "show bus ledger json"]
        pace = () if self.device.holds_back else ("--rate=50k",)
        run, ledgers = self.script(PAIR, commands, *pace, "--count=30000", timeout=180)
        self.assert_script_good(run)
        for ledger in ledgers:
            self.assertEqual({reason: n for reason, n in ledger["drops"].items() if n}, {})
            sent = next(term for term in ledger["terms"] if term["name"] == "messages sent")
            self.assertEqual(sent["out"]["received"], 30000, ledger)
