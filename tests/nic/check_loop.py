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
        self.assert_nothing_lost(run, count)
        self.assertLessEqual(run.report["bus"]["frames_out"], frames + 200, "frames aren't full")

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
        count = 2000 * messages_a_frame(9000)
        self.assert_nothing_lost(self.pair("--mtu=9000", f"--count={count}", timeout=120), count)
