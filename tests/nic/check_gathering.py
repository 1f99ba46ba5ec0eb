"""Check 6: frames that the NIC splits, because buffers are small on purpose, are gathered."""

from check_loop import messages_a_frame


class Gathering:
    def test_split_frames_are_gathered(self):
        frames = 1000 if self.long else 250
        count = frames * messages_a_frame(9000)
        # Full frames only, and fewer a second than the ring of small buffers holds in a moment of a busy machine.
        run = self.pair("--mtu=9000", "--mbuf-size=2176", f"--count={count}", "--max-delay-us=0", "--rate=100k",
                        timeout=120)
        self.assertIn("--mbuf-size=2176", run.stdout + run.stderr, "it isn't said, with its mend")
        if self.nic == "vmxnet3":  # QEMU's passes no frame on that takes several buffers
            self.assertEqual(self.drops(run.report), {"rx_errors": frames})
            self.assert_adds_up(run.report)
            self.assertEqual([pool for pool in run.report["pools"] if pool["leaked"]], [], run)
            return
        self.assert_nothing_lost(run, count)
        self.assertGreaterEqual(run.report["bus"]["gathered"], frames, run)
