#!/usr/bin/python3
"""A sender in one guest and a receiver in another, a cable between them."""

import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import images
import nics
import tap
import wire
from guest import Guest
from nic_case import InGuest, Prompt, made_images
from smoke_case import SmokeCase

ONE = ("-l", "0-1", "-a", "$A")


class TwoGuests(InGuest, SmokeCase):
    def test_sender_and_receiver(self):
        made = made_images()
        wires = tempfile.mkdtemp(prefix="bab-nic-")
        self.addCleanup(shutil.rmtree, wires)
        for name, nic in nics.NICS.items():
            with self.subTest(nic=name):
                sending, receiving = wire.crossed(wires, name)
                logs = os.path.join(images.LAB, "logs")
                with Guest(f"{name}_receiver", made, nic, [receiving], logs=logs) as receiver, \
                        Guest(f"{name}_sender", made, nic, [sending], logs=logs) as sender:
                    self.judge(sender, receiver)

    def judge(self, sender, receiver):
        """A slow receiver doesn't slow the sender down, and frames in the NIC's ring are lost when a program ends."""
        count = 100_000
        to = self.started(receiver, "--forward-mode=rxonly")
        of = self.started(sender, "--forward-mode=txonly", "--rate=20k", f"--count={count}", then="wait")
        sent = of.ask("show bus stats json")
        self.assertEqual(sent["messages_out"], count)
        for _ in range(100):
            if to.ask("show port stats 0 json")["ports"][0]["rx_frames"] >= sent["frames_out"]:
                break
        self.finish(of)
        to.say("stop")
        received = to.ask("show bus stats json")
        self.finish(to)
        self.assertEqual((received["messages_in"], received["lost"], received["corrupt"]), (count, 0, 0), received)

    def started(self, guest, *app, then="show config fwd"):
        prompt = Prompt(guest, ONE, "--mtu=9000", *app)
        self.assertTrue(prompt.ask("show port info 0 json")["ports"][0]["link_up"])
        prompt.say("start", then)
        return prompt

    def finish(self, prompt):
        ledger = prompt.ask("show bus ledger json")
        run = prompt.finish()
        self.assertEqual(run.status, 0, run)
        self.assertIs(ledger["balanced"], True, run)
        self.assertEqual(self.drops(ledger), {}, run)


if __name__ == "__main__":
    tap.main()
