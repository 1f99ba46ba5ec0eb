"""Check 7: frames per second beside dpdk-testpmd in the same guest, in turn, medians of five.

Judged on a quiet machine (`tools/check nic`); BAB_RATES=print only prints them, of one turn.
"""

import os
import re
import statistics

import moldudp64

WARM_UP = 1  # seconds before the first look: TCG translates what a loop runs, and counts it as the loop's time
SECONDS = 2  # between two looks
FULL, SMALL = 9000, 32  # MTU of full frames, bytes of the one message in small ones
JUDGED = os.environ.get("BAB_RATES") != "print"
TURNS, MORE_TURNS = 5 if JUDGED else 1, 10
BUFFERS = "--total-num-mbufs=6000"  # for both programs; their caches then have the same size
ONE_CPU = ("--lcores", "0@1,1@1")  # of the guest; main lcores sleep


def frame_of(message_size):
    return 14 + moldudp64.MOLD_OVERHEAD + 2 + message_size


class FrameRates:
    with_testpmd = True

    def test_receiving(self):
        """The host sends small frames all the time, to each program in turn.

        QEMU hands over fewer frames than either program could take: this shows that ours keeps pace, not what a frame
        costs it.
        """
        eal = (*ONE_CPU, "-a", "$C")
        with self.host.flood(moldudp64.frame(moldudp64.packet("FLOOD", 1, [bytes(SMALL)]))):
            self.in_turn("null beside rxonly",
                         lambda: self.our_rate("rx", eal, "--forward-mode=null")[0],
                         lambda: self.their_rate("RX", eal, "--forward-mode=rxonly")[0], 0.95)

    def test_sending(self):
        """Sends into a cable that nobody reads, so that only the sender is measured.

        testpmd writes the headers of its frames and leaves the rest as it was. So do ours, but for a message's number;
        what writing all bytes of full frames takes, a guest under TCG copying a few of them at a time, is printed.
        """
        self.host.close()
        eal = (*ONE_CPU, "-a", "$C")
        full = moldudp64.largest_message(FULL)
        for name, size, payload, least in (("full frames of 9,000 bytes", full, "number", 0.9),
                                           ("full frames, all bytes written", full, "all", None),
                                           ("one small message a frame", SMALL, "all", 0.7)):
            with self.subTest(name):
                # testpmd's frames have no UDP checksum, so ours have none, either. It reads its arguments in order.
                self.in_turn(
                    name, lambda: self.sending(size, self.our_rate(
                        "tx", eal, "--forward-mode=txonly", f"--mtu={FULL}", f"--msg-size={size}",
                        f"--payload={payload}", "--flush-messages=1", "--tx-checksum=off")),
                    lambda: self.sending(size, self.their_rate(
                        "TX", eal, "--mbuf-size=9216", f"--max-pkt-len={FULL + 18}", "--forward-mode=txonly",
                        f"--txpkts={frame_of(size)}")), least)

    def sending(self, size, measured):
        """The rate. Checks the frames' size first: testpmd's frames are shorter if its buffers are."""
        rate, frame_bytes = measured
        self.assertAlmostEqual(frame_bytes, frame_of(size), delta=4)  # some NICs count the CRC
        return rate

    def in_turn(self, name, ours, theirs, least=None):
        """Turns differ by a fifth on a busy machine. If the ratio is too low, more turns are measured."""
        rates = [(ours(), theirs()) for _ in range(TURNS)]
        if JUDGED and least and self.ratio(rates) < least:
            rates += [(ours(), theirs()) for _ in range(MORE_TURNS)]
        mine, other = (statistics.median(column) / 1000 for column in zip(*rates))
        print(f"# {type(self).__name__}: {name}: {mine:.0f} k frames/s, testpmd {other:.0f} k, ratio {mine / other:.2f}"
              + (f" (at least {least})" if least else "") + f", {len(rates)} turns", flush=True)
        if JUDGED and least:
            self.assertGreaterEqual(self.ratio(rates), least)

    def ratio(self, rates):
        ours, theirs = (statistics.median(column) for column in zip(*rates))
        return ours / theirs

    def our_rate(self, direction, eal, *app):
        """(frames a second, bytes a frame), between two looks."""
        look = "show port stats 0 json"
        run, (_, ports, bus) = self.script(
            eal, ["start", f"wait {WARM_UP}", look, f"wait {SECONDS}", look, "stop", "show bus stats json"],
            *app, BUFFERS, "--idle=spin")  # testpmd doesn't pause: TCG leaves the guest for each pause
        port, missed = ports["ports"][0], self.drops(bus)
        self.assertEqual(run.status, 1 if missed else 0, run)
        self.assertLessEqual(missed.keys(), {"rx_missed"}, run)  # the host may send more than it takes
        return port[f"{direction}_pps"], port[f"{direction}_bytes"] / max(port[f"{direction}_frames"], 1)

    def their_rate(self, direction, eal, *app):
        """The same of testpmd."""
        look = "echo show port stats 0 >&5"
        said = self.guest.must(
            f"rm -f /run/pmd; mkfifo /run/pmd; {self.their_command(eal, *app, '-i')} </run/pmd >/run/pmd.out 2>&1 &"
            " exec 5>/run/pmd; until grep -q 'testpmd>' /run/pmd.out; do sleep 0.1; done;"
            f" echo start >&5; sleep {WARM_UP}; {look}; sleep {SECONDS}; {look};"
            " echo stop >&5; echo quit >&5; wait; cat /run/pmd.out", 60)
        rate = int(re.findall(rf"{direction[0]}x-pps: +(\d+)", said)[-1])
        packets, bytes_ = re.findall(rf"{direction}-packets: (\d+) .*{direction}-bytes: +(\d+)", said)[-1]
        return rate, int(bytes_) / max(int(packets), 1)

    def their_command(self, eal, *app):
        return " ".join(("dpdk-testpmd", *eal, "--", BUFFERS, *app))
