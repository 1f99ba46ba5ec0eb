"""Check 1: loop with default arguments, paced and at full speed: nothing lost, all in order and accounted for."""

from check_probe import judge_ports
from nic_case import PAIR

SIZE = 32
COUNTED = ("messages_in", "messages_out", "frames_in", "frames_out", "lost", "corrupt", "out_of_order")


def messages_a_frame(mtu):
    """With messages of the default size."""
    return (mtu - 48) // (2 + SIZE)


def assert_arrived(case, bus, ledger, count):
    """Where a NIC's ring is full QEMU holds frames back; some emulated NICs drop them and count each as missed."""
    case.assertIs(ledger["balanced"], True, ledger)
    drops = case.drops(ledger)
    missed = 0 if case.device.holds_back else drops.pop("rx_missed", 0)
    case.assertEqual(drops, {})
    case.assertEqual(bus["messages_out"], count, bus)
    case.assertEqual(bus["frames_out"] - bus["frames_in"], missed, bus)
    case.assertEqual(bus["messages_in"] + bus["lost"], count, bus)
    case.assertEqual((bus["lost"] > 0, bus["corrupt"], bus["out_of_order"]), (missed > 0, 0, 0), bus)


class Loop:
    """Fewer than 10,000 frames: beyond that QEMU loses frames that the receiver hasn't taken, and counts none."""

    def paced(self, mtu):
        count = 20000
        run = self.pair(f"--mtu={mtu}", "--rate=20k", f"--count={count}")
        self.assert_nothing_lost(run, count)

    def full_speed(self, mtu):
        frames = 8000
        count = frames * messages_a_frame(mtu)
        run = self.pair(f"--mtu={mtu}", f"--count={count}", timeout=120)
        self.assertIsNotNone(run.report, run)
        assert_arrived(self, run.report["bus"], {**run.report["ledger"], "drops": run.report["drops"]}, count)
        self.assertEqual(run.status, 1 if run.report["bus"]["lost"] else 0, run)
        self.assertLessEqual(run.report["bus"]["frames_out"], frames + 200, "frames aren't full")

    def test_paced_at_1500(self):
        self.paced(1500)

    def test_paced_at_9000(self):
        self.paced(9000)

    def test_full_speed_at_1500(self):
        self.full_speed(1500)

    def test_full_speed_at_9000(self):
        self.full_speed(9000)


class ShortLoop:
    """The same in one process for each MTU: paced by a command, and at full speed."""

    def loop(self, mtu):
        count = 2000 * messages_a_frame(mtu)
        commands = ["show port info all json"]
        for rate in count, 0:
            commands += [f"set rate {rate}", "start", "wait", "show bus stats json", "show bus ledger json"]
        run, (info, *answers) = self.script(PAIR, commands, f"--mtu={mtu}", f"--count={count}", timeout=120)
        judge_ports(self, info["ports"], mtu)
        self.assertEqual(len(answers), 4, run)
        before = dict.fromkeys(answers[0], 0)
        for rate, bus, ledger in zip(("paced", "full speed"), answers[::2], answers[1::2]):
            with self.subTest(rate):
                # The bus counts on from run to run.
                assert_arrived(self, {key: bus[key] - before[key] for key in COUNTED}, ledger, count)
            before = bus
        self.assertEqual(run.status, 1 if bus["lost"] else 0, run)


class ShortLoopAt1500(ShortLoop):
    def test_loop_at_1500(self):
        self.loop(1500)


class ShortLoopAt9000(ShortLoop):
    def test_loop_at_9000(self):
        self.loop(9000)
