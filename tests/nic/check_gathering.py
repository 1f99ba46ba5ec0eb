"""Check 6: frames that the NIC splits, because buffers are small on purpose, are gathered."""

from check_loop import messages_a_frame


class Gathering:
    def test_split_frames_are_gathered(self):
        frames = 3000
        count = frames * messages_a_frame(9000)
        run = self.pair("--mtu=9000", "--mbuf-size=2176", f"--count={count}", "--rate=200k", timeout=120)
        self.assert_nothing_lost(run, count)
        self.assertGreaterEqual(run.report["bus"]["gathered"], frames - 100, run)
        self.assertIn("--mbuf-size=2176", run.stdout + run.stderr, "it isn't said, with its mend")
