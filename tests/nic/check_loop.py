"""Check 1: loop with default arguments, paced and at full speed: nothing lost, all in order and accounted for."""

SIZE = 32


def messages_a_frame(mtu):
    """Of the default size."""
    return (mtu - 48) // (2 + SIZE)


class Loop:
    """Fewer than the 10,000 frames after which QEMU loses what the receiver hasn't taken, counted by nobody."""

    def paced(self, mtu):
        count = 20000
        run = self.pair(f"--mtu={mtu}", "--rate=20k", f"--count={count}")
        self.assert_nothing_lost(run, count)

    def full_speed(self, mtu):
        frames = 8000
        count = frames * messages_a_frame(mtu)
        run = self.pair(f"--mtu={mtu}", f"--count={count}", timeout=120)
        self.assert_arrived(run, count, self.device)
        self.assertLessEqual(run.report["bus"]["frames_out"], frames + 200, "frames aren't full")

    def assert_arrived(self, run, count, device):
        """QEMU holds frames back from a NIC whose ring is full, but from some: these drop them, each counted as missed."""
        drops = self.drops(run.report or {"drops": {}})
        if device.holds_back or drops.keys() != {"rx_missed"}:
            self.assert_nothing_lost(run, count)
            return
        self.assert_ended(run, 1)
        bus = run.report["bus"]
        self.assertEqual(bus["messages_out"], count, run)
        self.assertEqual(bus["frames_out"] - bus["frames_in"], drops["rx_missed"], run)
        self.assertEqual((bus["messages_in"] + bus["lost"], bus["corrupt"]), (count, 0), run)

    def test_paced_at_1500(self):
        self.paced(1500)

    def test_paced_at_9000(self):
        self.paced(9000)

    def test_full_speed_at_1500(self):
        self.full_speed(1500)

    def test_full_speed_at_9000(self):
        self.full_speed(9000)


class LoopAt9000:
    def test_loop_at_9000(self):
        """2,000 full frames in a second, then in as little time as it takes."""
        count = 2000 * messages_a_frame(9000)
        for rate in f"--rate={count}", "--rate=0":
            with self.subTest(rate=rate):
                run = self.pair("--mtu=9000", f"--count={count}", rate, timeout=120)
                Loop.assert_arrived(self, run, count, self.device)
