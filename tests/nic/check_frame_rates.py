"""Check 7: frames per second beside dpdk-testpmd in the same guest, in turn, medians of five.

Judged on a quiet machine (`tools/check nic`); BAB_RATES=print only prints them.
"""

import os
import re
import statistics

import moldudp64

TURNS = 5
SECONDS = 2
FULL, SMALL = 9000, 32  # MTU of full frames, bytes of the one message in small ones
JUDGED = os.environ.get("BAB_RATES") != "print"
# Each program on one CPU of the guest: its main lcore sleeps.
SENDING, RECEIVING = ("--lcores", "0@0,1@0"), ("--lcores", "0@1,1@1")


def frame_of(message_size):
    return 14 + moldudp64.MOLD_OVERHEAD + 2 + message_size


class FrameRates:
    with_testpmd = True

    def test_receiving(self):
        """testpmd sends small frames from $A to $B as fast as it can, to each program in turn."""
        sender = self.guest.start(self.testpmd_command(
            (*SENDING, "-a", "$A", "--file-prefix=sender"), "--forward-mode=txonly", "--txpkts=64", "--auto-start"))
        eal = (*RECEIVING, "-a", "$B")
        ours, theirs = self.in_turn(
            lambda: self.testbab_rate("rx", eal, "--forward-mode=null"),
            lambda: self.testpmd_rate("Rx", eal, "--forward-mode=rxonly"))
        sender.kill("KILL")
        sender.finish()
        self.judge("null beside rxonly", ours, theirs, 0.95)

    def test_sending(self):
        """To a cable that nobody listens at, so that nothing but the sender is measured."""
        eal = (*SENDING, "-a", "$C")
        kinds = (("full frames of 9,000 bytes", moldudp64.largest_message(FULL), 0.9), ("one small message a frame", SMALL, 0.7))
        # testpmd's frames have no UDP checksum: no more do ours.
        ours_for = {size: ("--forward-mode=txonly", f"--mtu={FULL}", f"--msg-size={size}", "--flush-messages=1",
                           "--tx-checksum=off") for _, size, _ in kinds}
        theirs_for = {size: ("--forward-mode=txonly", f"--txpkts={frame_of(size)}", f"--max-pkt-len={FULL + 18}",
                             "--mbuf-size=9216") for _, size, _ in kinds}
        for _, size, _ in kinds:
            self.assert_frames_have(frame_of(size), self.guest.start_testbab(*ours_for[size], eal=eal))
            self.assert_frames_have(frame_of(size), self.guest.start(
                self.testpmd_command(eal, *theirs_for[size], "--auto-start")))
        self.host.close()
        for name, size, least in kinds:
            with self.subTest(name):
                ours, theirs = self.in_turn(lambda: self.testbab_rate("tx", eal, *ours_for[size]),
                                            lambda: self.testpmd_rate("Tx", eal, *theirs_for[size]))
                self.judge(name, ours, theirs, least)

    def assert_frames_have(self, length, job):
        """What a program really sends: testpmd's frames are shorter where its buffers are."""
        self.host.drain()
        frames = self.host.receive(lambda frames: len(frames) >= 50, quiet=10)
        job.kill("KILL")
        job.finish()
        self.host.drain()
        self.assertEqual({len(frame) for frame in frames[10:]}, {length}, job.command)

    def in_turn(self, ours, theirs):
        rates = [(ours(), theirs()) for _ in range(TURNS)]
        return (statistics.median(column) for column in zip(*rates))

    def judge(self, name, ours, theirs, least):
        ratio = ours / theirs
        print(f"# {type(self).__name__}: {name}: {ours / 1000:.0f} k frames/s, testpmd {theirs / 1000:.0f} k,"
              f" ratio {ratio:.2f} (at least {least})", flush=True)
        if JUDGED:
            self.assertGreaterEqual(ratio, least)

    def testbab_rate(self, direction, eal, *app):
        run = self.run_on(eal, *app, f"--duration={SECONDS}")
        self.assertEqual(run.status, 0, run)
        return run.report["ports"][0][f"{direction}_frames"] / run.report["seconds"]

    def testpmd_rate(self, direction, eal, *app):
        """Between two looks of testpmd itself."""
        look = "show port stats 0"
        said = self.guest.must(f"(sleep 1; echo start; sleep 0.5; echo {look}; sleep {SECONDS}; echo {look}; echo stop;"
                               f" echo quit) | {self.testpmd_command(eal, *app, '-i')} 2>&1", 60)
        return int(re.findall(rf"{direction}-pps: +(\d+)", said)[-1])

    def testpmd_command(self, eal, *app):
        return " ".join(("dpdk-testpmd", *eal, "--", "--total-num-mbufs=6000", *app))
